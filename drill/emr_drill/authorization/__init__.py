"""What IAM would say: policies as documents, and what they decide of a request.  Pure: no AWS, no clock, no files."""
