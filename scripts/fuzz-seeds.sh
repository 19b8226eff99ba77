#!/bin/sh
# Writes the seeds of the fuzz targets for recordings: a moment of a sample call in every container and codec that is read, as
# ffmpeg writes them. They are in the repository; run this again when a format is added. Needs ffmpeg with its usual libraries.
set -eu
cd "$(dirname "$0")/.."
call=tests/fixtures/calls/voicemail.flac

# seed TARGET NAME SECONDS ARGUMENTS...: one file, made with these arguments of ffmpeg.
seed() {
    folder=fuzz/seeds/$1
    to=$folder/$2
    length=$3
    shift 3
    mkdir -p "$folder"
    ffmpeg -nostdin -v error -y -ss 1 -t "$length" -i "$call" -map_metadata -1 -fflags +bitexact -flags +bitexact "$@" "$to"
}

for codec in pcm_u8 pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le pcm_alaw pcm_mulaw adpcm_ima_wav adpcm_ms; do
    seed wav "$codec" 0.05 -ar 8000 -c:a "$codec" -f wav
done
seed wav stereo 0.05 -ac 2 -ar 8000 -c:a pcm_s16le -metadata title=A -f wav
seed wav rf64 0.05 -ar 8000 -c:a pcm_s16le -rf64 always -f wav
seed wav gsm 0.08 -ar 8000 -ac 1 -c:a libgsm_ms -f wav
seed wav mp3 0.1 -ar 16000 -ac 1 -c:a libmp3lame -b:a 16k -f wav
for codec in pcm_s16le pcm_f32le pcm_mulaw; do
    seed w64 "$codec" 0.05 -ar 8000 -c:a "$codec" -f w64
done
for codec in pcm_s8 pcm_s16be pcm_s24be pcm_s32be pcm_f32be pcm_f64be pcm_alaw pcm_mulaw; do
    seed au "$codec" 0.05 -ar 8000 -c:a "$codec" -f au
done
for codec in pcm_s8 pcm_s16be pcm_s16le pcm_s24be pcm_s32be pcm_f32be pcm_f64be pcm_alaw pcm_mulaw; do
    seed aiff "$codec" 0.05 -ar 8000 -c:a "$codec" -metadata title=A -write_id3v2 1 -f aiff
done
for codec in pcm_s16le pcm_s16be pcm_s24be pcm_s32be pcm_f32be pcm_f64be pcm_alaw pcm_mulaw alac adpcm_ima_qt; do
    seed caf "$codec" 0.05 -ar 8000 -c:a "$codec" -metadata title=A -f caf
done
seed caf opus 0.1 -ar 48000 -c:a libopus -b:a 16k -f caf
seed caf flac 0.1 -ar 8000 -c:a flac -f caf || rm -f fuzz/seeds/caf/flac
seed mp4 aac 0.15 -ar 16000 -c:a aac -b:a 24k -metadata title=A -f ipod
seed mp4 aac-first 0.15 -ar 16000 -ac 2 -c:a aac -b:a 24k -movflags +faststart -f mp4
seed mp4 aac-pieces 0.15 -ar 16000 -c:a aac -b:a 24k -movflags frag_keyframe+empty_moov -f mp4
seed mp4 alac 0.05 -ar 8000 -c:a alac -f ipod
seed mp4 opus 0.1 -ar 48000 -c:a libopus -b:a 16k -strict -2 -f mp4
seed mp4 flac 0.1 -ar 8000 -c:a flac -strict -2 -f mp4
seed mp4 mp3 0.1 -ar 16000 -c:a libmp3lame -b:a 16k -f mp4
for codec in pcm_s16le pcm_s16be pcm_s24be pcm_f32le pcm_alaw pcm_mulaw; do
    seed mp4 "mov-$codec" 0.05 -ar 8000 -c:a "$codec" -f mov
done
seed matroska opus 0.1 -ar 48000 -c:a libopus -b:a 16k -metadata title=A -f webm
seed matroska vorbis 0.1 -ar 8000 -c:a libvorbis -f webm
seed matroska flac 0.1 -ar 8000 -c:a flac -f matroska
seed matroska aac 0.1 -ar 16000 -c:a aac -b:a 24k -f matroska
seed matroska mp3 0.1 -ar 16000 -c:a libmp3lame -b:a 16k -f matroska
seed matroska alac 0.05 -ar 8000 -c:a alac -f matroska
seed matroska pcm_s16le 0.05 -ar 8000 -c:a pcm_s16le -f matroska
seed matroska pcm_f32le 0.05 -ar 8000 -c:a pcm_f32le -f matroska
seed matroska live 0.1 -ar 48000 -c:a libopus -b:a 16k -live 1 -f webm
seed ogg opus 0.1 -ar 48000 -c:a libopus -b:a 16k -metadata title=A -f ogg
seed ogg vorbis 0.1 -ar 8000 -c:a libvorbis -metadata title=A -f ogg
seed ogg flac 0.1 -ar 8000 -c:a flac -metadata title=A -f ogg
cat fuzz/seeds/ogg/opus fuzz/seeds/ogg/flac >fuzz/seeds/ogg/joined
seed flac mono 0.1 -ar 8000 -c:a flac -metadata title=A -f flac
seed flac wide 0.05 -ar 48000 -ac 2 -c:a flac -sample_fmt s32 -f flac
seed mpeg mp3 0.2 -ar 44100 -c:a libmp3lame -b:a 32k -metadata title=A -id3v2_version 3 -write_id3v1 1 -f mp3
seed mpeg mp3-mpeg2 0.2 -ar 16000 -c:a libmp3lame -b:a 16k -id3v2_version 0 -f mp3
seed mpeg mp3-mpeg25 0.2 -ar 8000 -c:a libmp3lame -b:a 8k -write_xing 0 -f mp3
seed mpeg mp2 0.2 -ar 16000 -ac 1 -c:a mp2 -b:a 16k -f mp2
seed adts aac 0.2 -ar 16000 -c:a aac -b:a 24k -f adts
seed adts aac-stereo 0.2 -ar 44100 -ac 2 -c:a aac -b:a 32k -f adts
seed gsm gsm 0.2 -ar 8000 -ac 1 -c:a libgsm -f gsm
du -sb fuzz/seeds
