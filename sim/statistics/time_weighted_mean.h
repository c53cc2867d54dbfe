#pragma once

#include "policy/units.h"

#include <cstdint>

namespace megabed {

/// The mean over time of a number that changes in steps.
class TimeWeightedMean {
public:
    explicit TimeWeightedMean(SimTime start = SimTime(0)) : start_(start), last_(start) {}

    /// From `now` on the number is `value`. Requires: `now` is not before the last change.
    void set(SimTime now, std::int64_t value) {
        integral_ += static_cast<double>(value_) * static_cast<double>((now - last_).value());
        last_ = now;
        value_ = value;
    }
    /// Forgets what came before `now`.
    void restart(SimTime now) {
        integral_ = 0;
        start_ = now;
        last_ = now;
    }
    [[nodiscard]] double mean(SimTime now) const {
        const double span = static_cast<double>((now - start_).value());
        const double rest = static_cast<double>(value_) * static_cast<double>((now - last_).value());
        return span > 0 ? (integral_ + rest) / span : 0;
    }

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& start_& last_& value_& integral_;
    }

private:
    SimTime start_;
    SimTime last_;
    std::int64_t value_ = 0;
    double integral_ = 0;
};

}  // namespace megabed
