#pragma once

// Programs of the tests that need a card. That they compile is tested without one.
namespace megabed {

inline constexpr const char* kSmallKernels = R"(
#include <cstdint>
#ifndef PLUS
#define PLUS 0
#endif
extern "C" __global__ void add(const std::uint32_t* left, const std::uint32_t* right, std::uint32_t* sum,
                               std::uint32_t count) {
    const std::uint32_t at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) {
        sum[at] = left[at] + right[at] + PLUS;
    }
}
extern "C" __global__ void wait_for_flag(volatile std::uint32_t* flag, std::uint32_t* seen) {
    const long long start = clock64();
    while (*flag == 0 && clock64() - start < 20'000'000'000LL) {
        __nanosleep(1000);
    }
    *seen = *flag;
}
extern "C" __global__ void fault(std::uint32_t* out) { *reinterpret_cast<volatile std::uint32_t*>(out) = 1; }
)";

/// The hardened and the reference policy, without telemetry and state.
inline constexpr const char* kDecideProgram = R"(
#include "policy/hardened_policy.h"
#include "policy/reference_policy.h"
using namespace megabed;
template <class Value>
struct Told {  // a Result lies in another way on the host
    Value value{};
    Error error{};
    bool has_value = false;
};
template <class Value>
__device__ Told<Value> told(const Result<Value>& result) {
    return result ? Told<Value>{*result, {}, true} : Told<Value>{{}, result.error(), false};
}
extern "C" __global__ void decide(const LaunchRequest* requests, Told<Decision>* hardened_decisions,
                                  Told<reference::Answer>* answers, std::uint32_t count) {
    const std::uint32_t at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) {
        hardened_decisions[at] = told(hardened::recommend({}, requests[at], {}));
        answers[at] = told(reference::recommend({}, requests[at]));
    }
}
)";

}  // namespace megabed
