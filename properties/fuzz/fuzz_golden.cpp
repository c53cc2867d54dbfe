// Any bytes as a golden CSV file, plain or gzip.
#include "properties/conformance.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto reader = megabed::LineReader::from_text("fuzz", {reinterpret_cast<const char*>(data), size});
    if (!reader) {
        return 0;
    }
    auto file = megabed::GoldenFile::from_reader(*std::move(reader));
    if (!file) {
        return 0;
    }
    const auto report = megabed::check_conformance(*std::move(file), megabed::reference_on_host());
    if (report && report->mismatches > report->rows) {
        std::abort();
    }
    return 0;
}
