"""Diarizes one recording with sherpa-onnx, for the comparison in docs/benchmarks.md; prints how many speakers it found.

    python scripts/bench/sherpa_peer.py RECORDING.wav SEGMENTATION.onnx SPEAKER.onnx THREADS COUNT

RECORDING is 16 kHz, mono, 16 bits.
"""
import sys
import wave

import numpy as np
import sherpa_onnx


def main():
    recording, segmentation, speaker, threads, count = sys.argv[1:]
    config = sherpa_onnx.OfflineSpeakerDiarizationConfig(
        segmentation=sherpa_onnx.OfflineSpeakerSegmentationModelConfig(
            pyannote=sherpa_onnx.OfflineSpeakerSegmentationPyannoteModelConfig(model=segmentation), num_threads=int(threads)
        ),
        embedding=sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=speaker, num_threads=int(threads)),
        clustering=sherpa_onnx.FastClusteringConfig(num_clusters=int(count)),
    )
    if not config.validate():
        sys.exit("the models do not fit sherpa-onnx")
    with wave.open(recording) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
    turns = sherpa_onnx.OfflineSpeakerDiarization(config).process(samples).sort_by_start_time()
    print(len({turn.speaker for turn in turns}))


main()
