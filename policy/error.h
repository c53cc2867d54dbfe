#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace megabed {

/// What went wrong in a decision. A code exists only where a caller can react to it.
enum class ErrorCode : std::uint8_t {
    ZeroAdapterLimit,     ///< an adapter limit is 0; report the adapter
    CapacityOverflow,     ///< a derived size does not fit its type; split the queue
    OutOfMemory,          ///< the plan needs `actual` bytes and `limit` are allowed; free memory, retry
    ThresholdOutOfRange,  ///< a threshold and its hysteresis leave the type; fix the parameters
    CounterOverflow,      ///< a telemetry counter is full; drain it
    InvalidParameter,     ///< a parameter no decision can be made with; fix it
    InvalidShape,         ///< arrays that do not fit together; pass matching ones
    NotInvertible,        ///< a matrix without a (stable) inverse; regularise it
    NotSupported,         ///< the policy or backend cannot do what was asked
};

/// The quantity an error speaks of.
enum class ErrorField : std::uint8_t {
    MaxWorkgroupSizeX,
    MaxComputeWorkgroupsPerDimension,
    MaxComputeInvocationsPerWorkgroup,
    HitCapacity,
    PeakDeviceBytes,
    PressureLanes,
    SparseFrontierThreshold,
    DenseFrontierThreshold,
    MemoryPressureThreshold,
    RequeueCount,
    AgedPromotions,
    Topology,
    Slots,
    HitCapacityMultiplier,
    SaturatedWaves,
    FisherMatrix,
    Gradient,
    Damping,
    Siblings,
    Hysteresis,
};

/// A failure as a small value; it is put into words only where a person reads it.
/// Units: `actual` and `limit` are in the unit of `field` (a count, bytes or basis points).
struct Error {
    ErrorCode code{};
    ErrorField field{};
    std::uint64_t actual = 0;
    std::uint64_t limit = 0;

    constexpr bool operator==(const Error&) const = default;
};

template <class Value>
using Result = tl::expected<Value, Error>;

using Failure = tl::unexpected<Error>;

[[nodiscard]] constexpr Failure fail(ErrorCode code, ErrorField field, std::uint64_t actual,
                                     std::uint64_t limit) {
    return Failure(Error{code, field, actual, limit});
}

/// One sentence for a person, naming the field, the value and what is allowed.
[[nodiscard]] std::string to_string(const Error& error);

}  // namespace megabed
