#!/bin/sh
# What `make demo` shows: three photos of different moods and the songs that fit them.
set -eu
cd "$(dirname "$0")/.."
echo '$ dylumo recommend -k 5 photos/astronaut.jpg photos/coffee.jpg photos/camera.jpg'
echo
build/dylumo recommend -k 5 photos/astronaut.jpg photos/coffee.jpg photos/camera.jpg
echo
echo "Your turn: build/dylumo recommend PHOTO..."
