cmake_minimum_required(VERSION 3.25)
# cmake -DSOURCE=... -DOUTPUT=... -DVERSION=... -P write_revision.cmake: a header that changes only when the
# revision does.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT revision)
  set(revision unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"#pragma once
#define MEGABED_VERSION \"@VERSION@\"
#define MEGABED_REVISION \"@revision@\"
" @ONLY)
