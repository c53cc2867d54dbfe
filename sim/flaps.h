#pragma once

#include "policy/launch_parameters.h"
#include "policy/launch_recommendation.h"
#include "policy/units.h"
#include "sim/engine/checkpoint.h"

#include <array>
#include <cstdint>
#include <optional>

namespace megabed {

/// Half-width of a flap's cells around the density thresholds, and their depth below the pressure threshold:
/// the ruler is the same whatever the policy's own hysteresis is. One that followed it would find no flap of a
/// policy of width 0, whose cells would be single points, and flaps of two widths could not be compared.
inline constexpr int kFlapHalfWidthBps = 250;

/// Counts topology switches and flaps of a sequence of launches.
/// A flap: the topology returns to an earlier value within 8 launches while density and pressure each stayed in
/// one cell. The cells are the bands around the thresholds (threshold +- 250 bps for density, threshold - 250
/// to threshold for pressure, ends included) and the gaps between them. A reading not taken is a cell of its
/// own. Empty launches are passed over: they are the queue's doing and no choice of the policy.
class FlapCounter {
public:
    explicit FlapCounter(const LaunchPolicyParameters& parameters) : parameters_(parameters) {}

    void add(DispatchTopology topology, std::optional<BasisPoints> density,
             std::optional<BasisPoints> pressure);

    [[nodiscard]] std::uint64_t switches() const { return switches_; }
    [[nodiscard]] std::uint64_t flaps() const { return flaps_; }

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive_plain(archive, recent_);
        archive& launches_& switches_& flaps_;
    }

private:
    struct Launch {
        DispatchTopology topology{};
        int density_cell = 0;
        int pressure_cell = 0;
    };
    static constexpr std::size_t kWindow = 8;

    LaunchPolicyParameters parameters_;
    std::array<Launch, kWindow> recent_{};  ///< launch n at place n modulo the window
    std::uint64_t launches_ = 0;
    std::uint64_t switches_ = 0;
    std::uint64_t flaps_ = 0;
};

}  // namespace megabed
