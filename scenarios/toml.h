#pragma once

// toml++ header-only and without exceptions. Its parser asserts, or in release builds assumes, that a table
// header is followed by a key; `[` at the end of a line breaks that, and the check behind the assertion handles
// it. So its assertions are switched off, and the assumptions with them: they follow NDEBUG while the header is
// read.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ASSERT(expression) static_cast<void>(0)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")
