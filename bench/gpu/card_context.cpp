#include "bench/gpu/card_context.h"

#include "generated/revision.h"
#include "gpu/device_policy.h"

#include <cuda_runtime.h>
#include <dlfcn.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <ctime>

namespace megabed {
namespace {

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::string cuda_version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

int attribute(cudaDeviceAttr which) {
    int device = 0;
    int value = 0;
    (void)cudaGetDevice(&device);
    (void)cudaDeviceGetAttribute(&value, which, device);
    return value;
}

constexpr int kKilohertzOfMegahertz = 1000;

}  // namespace

/// The functions of NVML that are used, as nvml.h declares them; the header is not needed.
struct CardClocks::Nvml {
    using Status = int;  ///< 0: success
    using Device = struct DeviceTag*;
    static constexpr int kSmClock = 1;
    static constexpr int kMemoryClock = 2;

    Nvml() : library(::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {}
    Nvml(const Nvml&) = delete;
    Nvml& operator=(const Nvml&) = delete;
    ~Nvml() {
        if (device != nullptr) {
            (void)end();
        }
        if (library != nullptr) {
            (void)::dlclose(library);
        }
    }

    template <class Function>
    [[nodiscard]] bool find(const char* name, Function*& function) const {
        function = reinterpret_cast<Function*>(::dlsym(library, name));
        return function != nullptr;
    }

    /// Whether the current CUDA device was found; by its place on the bus, as NVML counts devices otherwise.
    [[nodiscard]] bool open() {
        Status (*begin)() = nullptr;
        Status (*by_bus)(const char*, Device*) = nullptr;
        std::array<char, 32> bus{};
        int number = 0;
        if (library == nullptr || !find("nvmlInit_v2", begin) || !find("nvmlShutdown", end) ||
            !find("nvmlDeviceGetHandleByPciBusId_v2", by_bus) || !find("nvmlDeviceGetClockInfo", clock) ||
            !find("nvmlSystemGetDriverVersion", driver_version) || cudaGetDevice(&number) != cudaSuccess ||
            cudaDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), number) != cudaSuccess ||
            begin() != 0) {
            return false;
        }
        if (by_bus(bus.data(), &device) != 0 || device == nullptr) {
            device = nullptr;
            (void)end();
            return false;
        }
        return true;
    }

    void* library = nullptr;
    Device device = nullptr;  ///< null: not begun
    Status (*end)() = nullptr;
    Status (*clock)(Device, int kind, unsigned* mhz) = nullptr;
    Status (*driver_version)(char* text, unsigned length) = nullptr;
};

CardClocks::CardClocks() : nvml_(std::make_unique<Nvml>()) {
    if (!nvml_->open()) {
        nvml_.reset();
    }
}

CardClocks::~CardClocks() = default;

void CardClocks::look() {
    constexpr std::int64_t kBetweenLooks = 20'000'000;
    const std::int64_t now = now_ns();
    if (nvml_ == nullptr || (last_look_ns_ != 0 && now - last_look_ns_ < kBetweenLooks)) {
        return;
    }
    unsigned mhz = 0;
    if (nvml_->clock(nvml_->device, Nvml::kSmClock, &mhz) == 0) {
        sm_mhz_.push_back(mhz);
    }
    if (nvml_->clock(nvml_->device, Nvml::kMemoryClock, &mhz) == 0) {
        memory_mhz_ = mhz;
    }
    last_look_ns_ = now_ns();
}

CardContext CardClocks::context() const {
    if (sm_mhz_.empty()) {
        return {{"clock_source", "CUDA attributes: the highest clocks, not what was seen"},
                {"sm_clock_mhz", std::to_string(attribute(cudaDevAttrClockRate) / kKilohertzOfMegahertz)},
                {"memory_clock_mhz",
                 std::to_string(attribute(cudaDevAttrMemoryClockRate) / kKilohertzOfMegahertz)}};
    }
    const auto [least, most] = std::minmax_element(sm_mhz_.begin(), sm_mhz_.end());
    return {{"clock_source", "NVML, right after measured work"},
            {"clock_looks", std::to_string(sm_mhz_.size())},
            {"sm_clock_mhz", std::to_string(middle_of(sm_mhz_))},
            {"sm_clock_mhz_min", std::to_string(*least)},
            {"sm_clock_mhz_max", std::to_string(*most)},
            {"memory_clock_mhz", std::to_string(memory_mhz_)}};
}

std::string CardClocks::driver() const {
    std::array<char, 96> text{};
    if (nvml_ != nullptr && nvml_->driver_version(text.data(), static_cast<unsigned>(text.size())) == 0) {
        return text.data();
    }
    int version = 0;
    (void)cudaDriverGetVersion(&version);
    return "of CUDA " + cuda_version_text(version) + " (no NVML to ask)";
}

Loaded<CardContext> card_context(const CardClocks& clocks) {
    const auto card = cuda_device_name();
    if (!card) {
        return Refusal(card.error());
    }
    int runtime = 0;
    (void)cudaRuntimeGetVersion(&runtime);
    return CardContext{{"card", *card},
                       {"driver", clocks.driver()},
                       {"cuda_runtime", cuda_version_text(runtime)},
                       {"cuda_compiler", MEGABED_CUDA_COMPILER},
                       {"date_utc", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
                       {"git_revision", MEGABED_REVISION}};
}

std::string results_folder_of(std::string_view card) {
    constexpr std::string_view kMaker = "NVIDIA ";
    if (card.starts_with(kMaker)) {
        card.remove_prefix(kMaker.size());
    }
    std::string folder;
    for (const char letter : card) {
        const auto byte = static_cast<unsigned char>(letter);
        if (std::isalnum(byte) != 0) {
            folder += static_cast<char>(std::tolower(byte));
        } else if (!folder.empty() && folder.back() != '-') {
            folder += '-';
        }
    }
    while (!folder.empty() && folder.back() == '-') {
        folder.pop_back();
    }
    return folder.empty() ? "card" : folder;
}

std::uint32_t middle_of(std::vector<std::uint32_t> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace megabed
