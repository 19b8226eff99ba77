// ggml's threads where nobody says how many: one instead of four. whisper.cpp says it everywhere except for the graph that
// smooths its word alignment. That graph's work is one thread's work; three more were started for each window only to spin
// until it was done, which cost a tenth of the transcription (docs/benchmarks.md).
#if __has_include("ggml.h")
#include "ggml.h"
#undef GGML_DEFAULT_N_THREADS
#define GGML_DEFAULT_N_THREADS 1
#endif
