#!/bin/sh
# Copies a program's shared libraries, and nothing else, below a folder, at the
# paths where the program looks for them: closure.sh PROGRAM FOLDER. Prints how
# many there are and how large they are.
set -eu
program=$1 folder=$2
list=$(ldd "$program")
if printf '%s\n' "$list" | grep 'not found' >&2; then
	echo "closure.sh: install the libraries that are not found" >&2
	exit 1
fi
count=0 bytes=0
# A line is "name => path (address)" or, of the loader, "path (address)".
for path in $(printf '%s\n' "$list" | sed -n 's,^[^/]*\(/[^ ]*\) (0x.*,\1,p' | sort -u); do
	mkdir -p "$folder$(dirname "$path")"
	cp -L "$path" "$folder$path"
	count=$((count + 1)) bytes=$((bytes + $(stat -L -c %s "$path")))
done
echo "$count libraries, $bytes bytes"
