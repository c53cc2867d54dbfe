cmake_minimum_required(VERSION 3.25)
# cmake -DSOURCE=... -DOUTPUT=... -DVERSION=... -P write_revision.cmake: a header that changes only when the
# revision does.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
execute_process(COMMAND git -C ${SOURCE} log -1 --format=%cs
  OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT revision)
  set(revision unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"#pragma once
#define MEGABED_VERSION \"@VERSION@\"
#define MEGABED_REVISION \"@revision@\"
#define MEGABED_REVISION_DATE \"@date@\"
" @ONLY)
