"""Rules of our own over templates, for what cdk-nag cannot see.  Pure: templates in, findings out."""
