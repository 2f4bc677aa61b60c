#!/usr/bin/env bash
# One job by curl, as a shell script of a user would run it: submit, poll by id, believe the last word.
#
# Arguments: URL of the front door, JSON of the batch without its name, job key, seconds between polls, tries, seconds
# between tries, seconds after which it is killed (0: never).  Writes a line for each thing that happens: event, try,
# and a number or word.  Every curl is a connection of its own.
url=$1 batch=$2 key=$3 polling=$4 tries=$5 delay=$6 limit=$7

ask() { # method, path, body: sets status and answer
  reply=$(curl --silent --max-time 10 --request "$1" --header 'Content-Type: application/json' \
    ${3:+--data "$3"} --write-out '\n%{http_code}' "$url$2")
  status=${reply##*$'\n'} answer=${reply%$'\n'*}
}

word() { # name of a member: the first such of the answer
  sed -nE 's/.*"'"$1"'":"?([A-Za-z0-9_]+).*/\1/p' <<<"$answer" | head -1
}

attempt=1
while [ "$attempt" -le "$tries" ]; do
  ask POST /batches "${batch%\}},\"name\":\"$key-try$attempt\"}"
  if [ "$status" = 201 ]; then
    id=$(sed -nE 's/^\{"id":([0-9]+).*/\1/p' <<<"$answer")
    echo "posted $attempt $id"
    state=
    while [ -z "$state" ]; do
      sleep "$polling"
      if [ "$limit" -gt 0 ] && [ "$SECONDS" -ge "$limit" ]; then
        echo "deletes $attempt $id"
        ask DELETE "/batches/$id"
        if [ "$status" = 200 ]; then
          echo "deleted $attempt $id"
          echo "ended $attempt success"
          exit 0
        fi
        continue
      fi
      ask GET "/batches/$id/state"
      case $status in
        200)
          case $(word state) in
            success | dead | killed | error) state=$(word state) ;;
          esac
          ;;
        404 | 410)
          echo "status $attempt $status"
          break
          ;;
        *) echo "unclear $attempt $status" ;; # it asks again: that is what a loop is for
      esac
    done
    if [ -n "$state" ]; then
      echo "terminated $attempt $state"
      [ "$state" = success ] && echo "ended $attempt success" || echo "ended $attempt failed"
      exit 0
    fi
  else
    echo "refused $attempt $status"
  fi
  attempt=$((attempt + 1))
  [ "$attempt" -le "$tries" ] && echo "retry $((attempt - 1)) 0" && sleep "$delay"
done
echo "ended $((attempt - 1)) failed"
