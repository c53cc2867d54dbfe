#pragma once

#include "policy/units.h"
#include "sim/statistics/wide_integer.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace megabed {

/// The mean over time of a function that jumps at known times and is constant in between: a queue's depth, how
/// many workers are busy. Integers throughout, so the integral is exact and equal on every machine; constant
/// memory.
/// Units:    times in ns, the integral in values times ns.
/// Requires: times never go back, and every value times every span stays within 127 bits.
class TimeWeightedMean {
public:
    explicit TimeWeightedMean(SimTime start = SimTime(0), std::int64_t value = 0)
        : start_(start), changed_(start), value_(value), maximum_(value) {}

    /// The function is `value` from `now` on, up to the next call.
    void set(SimTime now, std::int64_t value) {
        advance(now);
        value_ = value;
        maximum_ = std::max(maximum_, value);
    }
    void add(SimTime now, std::int64_t difference) { set(now, value_ + difference); }

    /// Forgets what came before `now`, at the end of a warm-up say; the function keeps its value.
    void restart(SimTime now) {
        assert(now >= changed_);
        *this = TimeWeightedMean(now, value_);
    }

    [[nodiscard]] std::int64_t value() const { return value_; }
    [[nodiscard]] SimTime start() const { return start_; }
    /// Of the function over [start, now].
    [[nodiscard]] WideInteger integral(SimTime now) const { return integral_ + since_change(now); }
    /// Over [start, now]; over no time at all, the value.
    [[nodiscard]] double mean(SimTime now) const {
        return now == start_ ? static_cast<double>(value_)
                             : static_cast<double>(integral(now)) / static_cast<double>((now - start_).value());
    }
    /// The greatest value since the start, one that was held for no time included.
    [[nodiscard]] std::int64_t maximum() const { return maximum_; }

    bool operator==(const TimeWeightedMean&) const = default;

    /// For checkpoints.
    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        std::int64_t start = start_.value();
        std::int64_t changed = changed_.value();
        archive& start& changed& value_& maximum_;
        start_ = SimTime(start);
        changed_ = SimTime(changed);
        serialize_wide(archive, integral_);
    }

private:
    [[nodiscard]] WideInteger since_change(SimTime now) const {
        assert(now >= changed_);
        return static_cast<WideInteger>(value_) * (now - changed_).value();
    }
    void advance(SimTime now) {
        integral_ += since_change(now);
        changed_ = now;
    }

    SimTime start_;
    SimTime changed_;  ///< since when the function has been `value_`
    std::int64_t value_;
    std::int64_t maximum_;
    WideInteger integral_ = 0;  ///< over [start_, changed_]
};

}  // namespace megabed
