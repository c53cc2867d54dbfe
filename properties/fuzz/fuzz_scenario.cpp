// Any text as a scenario: complete runs or a refusal of one line.
#include "scenarios/scenario_loader.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto file = megabed::parse_scenario(text, "fuzz.toml");
    if (!file && to_string(file.error()).find('\n') != std::string::npos) {
        std::abort();
    }
    if (file && file->runs.empty()) {
        std::abort();
    }
    return 0;
}
