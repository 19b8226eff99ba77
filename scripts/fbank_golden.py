#!/usr/bin/env python3
"""Prints the golden numbers of src/voiceprint/fbank.rs, from kaldi-native-fbank (requirements/tests.txt).

    .venv/bin/python scripts/fbank_golden.py

Frame i of ours is centred on sample 160 i; Kaldi's first frame begins at its first sample. So Kaldi gets the signal from sample
120 on, and its frame i is our frame i + 2.
"""
import kaldi_native_fbank as kaldi
import numpy as np

# Generated from integers, so that other languages can reproduce the samples.
n = np.arange(8000, dtype=np.uint64)
saw = ((n * n * 7 + n * 31) % 2001).astype(np.float32) - 1000
signal = saw / np.float32(4000) * np.where((n // 1600) % 2 == 1, 1, 0.2).astype(np.float32)

for window, scale in (("povey", 1), ("povey", 32768), ("hamming", 32768)):
    options = kaldi.FbankOptions()
    options.frame_opts.samp_freq = 16000
    options.frame_opts.dither = 0
    options.frame_opts.window_type = window
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = 80
    options.mel_opts.high_freq = 0
    options.mel_opts.low_freq = 20
    fbank = kaldi.OnlineFbank(options)
    fbank.accept_waveform(16000, (signal[120:] * np.float32(scale)).tolist())
    fbank.input_finished()
    for frame in (2, 17, 30):
        values = fbank.get_frame(frame - 2)
        print(window, scale, frame, [(band, float(f"{values[band]:.6g}")) for band in (0, 1, 20, 55, 79)])
