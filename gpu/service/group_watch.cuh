#pragma once

#include "gpu/service/service_group.cuh"

namespace megabed {

/// The watchdog over the groups: an item that takes too long, or no progress for as long although items are in
/// flight, becomes a fault. Called by the steward's warp.
class GroupWatch {
public:
    /// In shared memory.
    struct Board {
        std::uint64_t watched;
        std::uint64_t progress_seen;
        std::uint64_t progress_time;
    };

    __device__ GroupWatch(const ServiceState& state, Board& board)
        : ring_(state.ring), deadline_(state.deadline), board_(board) {
        set([&] { board_ = Board{}; });
    }

    /// A launch begins: whatever was seen before says nothing about it.
    __device__ void begin() {
        set([&] { board_.progress_seen = ~std::uint64_t{0}; });
    }

    __device__ void watch(std::uint64_t now, bool in_flight) {
        // Looking at a thousand groups takes some 20 us, in which nothing is delivered.
        if (now - board_.watched < deadline_ / 16) {
            return;
        }
        for (std::uint32_t worker = team_.rank(); worker < groups(); worker += WarpTeam::kLanes) {
            ring_.give_up_stuck(worker, now, deadline_);
        }
        const std::uint64_t progress = team_.of_leader(ring_.progress());
        const bool moves = progress != board_.progress_seen || !in_flight;
        const bool stands = !moves && now - board_.progress_time > deadline_;
        set([&] {
            board_.watched = now;
            board_.progress_seen = progress;
            board_.progress_time = moves || stands ? now : board_.progress_time;
            if (stands) {
                ring_.give_up_any();
            }
        });
    }

    /// Groups that are still at an item that was given up.
    [[nodiscard]] __device__ std::uint32_t stuck() const {
        std::uint32_t count = 0;
        for (std::uint32_t first = 0; first < groups(); first += WarpTeam::kLanes) {
            const std::uint32_t worker = first + team_.rank();
            const bool is_stuck = worker < groups() && ring_.is_stuck(worker);
            count += static_cast<std::uint32_t>(__popc(__ballot_sync(0xffff'ffff, is_stuck)));
        }
        return count;
    }

private:
    [[nodiscard]] __device__ static std::uint32_t groups() { return gridDim.x - 1; }

    template <class Write>
    __device__ void set(Write write) {
        team_.sync();
        if (team_.leads()) {
            write();
        }
        team_.sync();
    }

    DeviceRing ring_;
    WarpTeam team_;
    std::uint64_t deadline_;
    Board& board_;
};

}  // namespace megabed
