// Any text as a device profile: a profile whose tables can be interpolated, or a refusal of one line.
#include "scenarios/device_loader.h"
#include "sim/costs/cost_model.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto device = megabed::parse_device(text, "fuzz.toml");
    if (!device) {
        if (to_string(device.error()).find('\n') != std::string::npos) {
            std::abort();
        }
        return 0;
    }
    const megabed::CostModel costs(*device);
    (void)costs.barrier(100);
    (void)costs.gathers_per_second(megabed::Bytes(1 << 20));
    (void)costs.grant({1000, megabed::SlotCount(1), {10, 1, 1}});
    return 0;
}
