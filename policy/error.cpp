#include "policy/error.h"

#include <fmt/format.h>
#include <string_view>

namespace megabed {
namespace {

constexpr std::string_view field_name(ErrorField field) {
    switch (field) {
    case ErrorField::MaxWorkgroupSizeX:
        return "max_workgroup_size_x";
    case ErrorField::MaxComputeWorkgroupsPerDimension:
        return "max_compute_workgroups_per_dimension";
    case ErrorField::MaxComputeInvocationsPerWorkgroup:
        return "max_compute_invocations_per_workgroup";
    case ErrorField::HitCapacity:
        return "hit_capacity";
    case ErrorField::PeakDeviceBytes:
        return "estimated_peak_device_bytes";
    case ErrorField::PressureLanes:
        return "saturated_waves x lanes";
    case ErrorField::SparseFrontierThreshold:
        return "sparse_frontier_threshold_bps";
    case ErrorField::DenseFrontierThreshold:
        return "dense_frontier_threshold_bps";
    case ErrorField::MemoryPressureThreshold:
        return "memory_pressure_threshold_bps";
    case ErrorField::RequeueCount:
        return "requeue_count";
    case ErrorField::AgedPromotions:
        return "aged_promotions";
    case ErrorField::Topology:
        return "topology";
    case ErrorField::Slots:
        return "slot_count";
    case ErrorField::HitCapacityMultiplier:
        return "hit_capacity_multiplier";
    case ErrorField::SaturatedWaves:
        return "saturated_waves";
    case ErrorField::FisherMatrix:
        return "Fisher matrix";
    case ErrorField::Gradient:
        return "gradient";
    case ErrorField::Damping:
        return "damping";
    case ErrorField::Siblings:
        return "sibling link";
    case ErrorField::Hysteresis:
        return "hysteresis_bps";
    }
    return "?";
}

}  // namespace

std::string to_string(const Error& error) {
    const std::string_view field = field_name(error.field);
    switch (error.code) {
    case ErrorCode::ZeroAdapterLimit:
        return fmt::format("{} is 0; an adapter limit must be at least 1", field);
    case ErrorCode::CapacityOverflow:
        return fmt::format("{} would be {} or more; the largest representable value is {}", field, error.actual,
                           error.limit);
    case ErrorCode::OutOfMemory:
        return fmt::format("{} is {}; the budget is {}", field, error.actual, error.limit);
    case ErrorCode::ThresholdOutOfRange:
        return fmt::format("{} is {}; with its hysteresis it leaves the range that ends at {}", field,
                           error.actual, error.limit);
    case ErrorCode::CounterOverflow:
        return fmt::format("{} is full at {}; drain the telemetry", field, error.actual);
    case ErrorCode::InvalidParameter:
        return fmt::format("{} is {}; the nearest allowed value is {}", field, error.actual, error.limit);
    case ErrorCode::InvalidShape:
        return fmt::format("{}: {} where {} is allowed", field, error.actual, error.limit);
    case ErrorCode::NotInvertible:
        return fmt::format("{} is not positive definite: pivot {} of {} vanishes", field, error.actual,
                           error.limit);
    case ErrorCode::NotSupported:
        return fmt::format("{} {} is not supported", field, error.actual);
    }
    return "unknown error";
}

}  // namespace megabed
