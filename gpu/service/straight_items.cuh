#pragma once

#include "gpu/service/group_dispatch.cuh"

namespace megabed {

[[nodiscard]] __device__ inline std::uint32_t at_most(std::uint32_t one, std::uint32_t other) {
    return one < other ? one : other;
}
[[nodiscard]] __device__ inline std::uint32_t at_least_one(std::uint32_t value) {
    return value != 0 ? value : 1;
}
/// How many of a warp's first lanes say so.
[[nodiscard]] __device__ inline std::uint32_t first_lanes(bool says) {
    const auto others = static_cast<int>(~__ballot_sync(0xffff'ffff, says));
    return others == 0 ? WarpTeam::kLanes : static_cast<std::uint32_t>(__ffs(others)) - 1;
}

/// Items that go straight from the steward to a group that waits: into a free slot that it keeps at hand, and
/// claimed in the group's place. No queue is between, so there is nothing to poll and to quarrel about; the
/// counts, the gate and the watchdog see the item as any other. Called by the steward's warp.
class StraightItems {
public:
    __device__ StraightItems(const ServiceState& state, std::uint32_t lane) : ring_(state.ring), lane_(lane) {}

    /// Hands the items of the lanes from `first` on, at most `wanted`, to groups that wait. Returns how many:
    /// as far as there are groups and free slots. Requires: as `Ring::issue`; `from` counts those before
    /// `first`.
    __device__ std::uint32_t hand_out(GroupDispatch& dispatch, const RingItem& item, std::uint32_t first,
                                      std::uint32_t wanted, const DeviceRing::IssueFrom& from) {
        const std::uint32_t most = at_most(wanted, count_);
        const std::uint32_t count = most == 0 ? 0 : dispatch.choose(most);
        if (count == 0) {
            return 0;
        }
        const bool mine = lane_ >= first && lane_ < first + count;
        const std::uint32_t at = mine ? lane_ - first : 0;
        DeviceRing::IssuePlace place;
        place.slot.slot = __shfl_sync(kAll, free_.slot, static_cast<int>(at));
        place.slot.status.word = __shfl_sync(kAll, free_.status.word, static_cast<int>(at));
        place.worker = dispatch.chosen(at);
        ring_.issue(team_, &item, &place, mine ? 1U : 0U, from);
        if (mine) {
            dispatch.hand(place.worker, place.slot.slot);
        }
        free_.slot = __shfl_down_sync(kAll, free_.slot, count);
        free_.status.word = __shfl_down_sync(kAll, free_.status.word, count);
        count_ -= count;
        return count;
    }

    /// Fills up the free slots at hand, once half of them are gone.
    __device__ void take_free() {
        if (count_ >= WarpTeam::kLanes / 2) {
            return;
        }
        ClaimedSlot got;
        std::uint32_t mine = lane_ >= count_ ? 1 : 0;
        const std::uint32_t count = ring_.take_free(team_, &got, mine);
        free_ = mine != 0 ? got : free_;
        count_ += count;
    }
    /// Gives them all back to the ring.
    __device__ void return_free() {
        ring_.return_free(team_, &free_, lane_ < count_ ? 1U : 0U);
        count_ = 0;
    }

private:
    static constexpr unsigned kAll = 0xffff'ffff;

    DeviceRing ring_;
    WarpTeam team_;
    std::uint32_t lane_;
    std::uint32_t count_ = 0;
    ClaimedSlot free_{};  ///< lane i has the i-th, i < count_
};

}  // namespace megabed
