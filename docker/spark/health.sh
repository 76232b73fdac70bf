# health.sh: exit 0 if this worker is registered with a master; before that, its page knows no master's address.
answer=$(http_ok 8081 /json/ print) || exit 1
[[ $answer =~ \"masterwebuiurl\"\ *:\ *\"http ]]
