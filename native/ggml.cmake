# Read by cmake when it configures whisper.cpp (CMAKE_PROJECT_INCLUDE in .cargo/config.toml).
add_compile_options("SHELL:-include ${CMAKE_CURRENT_LIST_DIR}/one-thread.h")

# After the last token of the last segment, whisper.cpp's word alignment reads a segment past the end of its list: mostly
# harmless, occasionally a segmentation fault. This corrects it in the build's copy of the sources, and fails the build when the
# sources are not as expected.
set(alignment "${CMAKE_SOURCE_DIR}/src/whisper.cpp")
if(EXISTS "${alignment}" AND NOT alignment_corrected)
    file(READ "${alignment}" source)
    set(bounded "if (++seg_i == state->result_all.end()) { ggml_free(gctx); return; }")
    string(FIND "${source}" "${bounded}" found)
    if(found EQUAL -1)
        string(REPLACE "++seg_i;" "${bounded}" corrected "${source}")
        if(corrected STREQUAL source)
            message(FATAL_ERROR "whisper.cpp's word alignment is not as expected: check whether it stays within its segments")
        endif()
        file(WRITE "${alignment}" "${corrected}")
    endif()
    set(alignment_corrected TRUE)
endif()
