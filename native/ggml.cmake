# Read by cmake when it configures whisper.cpp (CMAKE_PROJECT_INCLUDE in .cargo/config.toml).
add_compile_options("SHELL:-include ${CMAKE_CURRENT_LIST_DIR}/one-thread.h")
