// ggml's default number of threads: one instead of four. whisper.cpp sets the number everywhere except for the graph that
// smooths its word alignment. That graph needs only one thread; three more were started for each window only to spin until it
// was done, which cost a tenth of the transcription time (docs/benchmarks.md).
#if __has_include("ggml.h")
#include "ggml.h"
#undef GGML_DEFAULT_N_THREADS
#define GGML_DEFAULT_N_THREADS 1
#endif
