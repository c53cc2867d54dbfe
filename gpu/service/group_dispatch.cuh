#pragma once

#include "gpu/service/service_group.cuh"

namespace megabed {

/// The steward's side of the groups' boxes: which groups wait, and giving them something to do. A group waits
/// for orders only, so whoever is given an item begins at once, and what nobody waits for disturbs nobody: the
/// ring's counters are read by groups that were woken. Called by one whole warp.
class GroupDispatch {
public:
    static constexpr std::uint32_t kWords = kServiceGroupsMax / 32;
    /// In shared memory.
    struct Board {
        std::uint32_t given[kWords];  ///< a bit of each group: changes with each order. Lane w % 32 has word w.
        std::uint32_t chosen[kRingBatch];
    };

    __device__ GroupDispatch(const ServiceState& state, Board& board, std::uint32_t lane)
        : state_(state), board_(board), lane_(lane) {
        for (std::uint32_t word = lane; word < kWords; word += 32) {
            board.given[word] = 0;
        }
    }

    /// Groups of a lower index get orders.
    __device__ void set_workers(std::uint32_t workers) {
        const std::uint32_t groups = gridDim.x - 1;
        workers_ = workers < groups ? workers : groups;
    }

    /// Looks which of the first 1,024 groups wait: they get items straight.
    __device__ void look() { idle_ = idle_of(lane_); }

    /// Chooses as many waiting groups as there are, at most `wanted`; `chosen(i)` are they. They count as given
    /// an order from now on. Requires: wanted <= kRingBatch.
    __device__ std::uint32_t choose(std::uint32_t wanted) {
        const std::uint32_t before = idle_before(idle_);
        const std::uint32_t total = __shfl_sync(kAll, before + count(idle_), 31);
        const std::uint32_t most = wanted < total ? wanted : total;
        for (std::uint32_t place = before; idle_ != 0 && place < most; ++place) {
            board_.chosen[place] = lane_ * 32 + take_lowest(lane_, idle_);
        }
        __syncwarp();
        return most;
    }
    [[nodiscard]] __device__ std::uint32_t chosen(std::uint32_t at) const { return board_.chosen[at]; }

    /// Tells a chosen group of an item, and brings along what the warp has written before. One lane for each.
    __device__ void hand(std::uint32_t group, std::uint32_t slot) {
        DeviceAtomics::store(state_.boxes[group].order, order_to(group, slot));
    }

    /// Wakes at most `waiting` groups that wait, those of the lowest indices, to claim from the ring.
    __device__ void wake(std::uint64_t waiting) {
        for (std::uint32_t first = 0; first * 32 < workers_ && waiting != 0; first += 32) {
            const std::uint32_t word = first + lane_;
            std::uint32_t idle = first == 0 ? idle_ : idle_of(word);
            const std::uint32_t before = idle_before(idle);
            const std::uint32_t total = __shfl_sync(kAll, before + count(idle), 31);
            for (std::uint64_t place = before; idle != 0 && place < waiting; ++place) {
                const std::uint32_t group = word * 32 + take_lowest(word, idle);
                DeviceAtomics::store_relaxed(state_.boxes[group].order, order_to(group, kWakeOrder));
            }
            idle_ = first == 0 ? idle : idle_;
            waiting -= total < waiting ? total : waiting;
        }
    }

private:
    static constexpr unsigned kAll = 0xffff'ffff;

    [[nodiscard]] __device__ static std::uint32_t count(std::uint32_t bits) {
        return static_cast<std::uint32_t>(__popc(bits));
    }

    /// Groups of a word that wait and may get orders.
    [[nodiscard]] __device__ std::uint32_t idle_of(std::uint32_t word) const {
        const std::uint32_t first = word * 32;
        if (first >= workers_) {
            return 0;
        }
        const std::uint32_t mask = workers_ - first < 32 ? (1U << (workers_ - first)) - 1 : kAll;
        return ~(DeviceAtomics::load(state_.finished[word]) ^ board_.given[word]) & mask;
    }

    /// Waiting groups of the lanes before this one.
    [[nodiscard]] __device__ std::uint32_t idle_before(std::uint32_t idle) const {
        std::uint32_t sum = count(idle);
#pragma unroll
        for (std::uint32_t distance = 1; distance < 32; distance *= 2) {
            const std::uint32_t other = __shfl_up_sync(kAll, sum, distance);
            sum += lane_ >= distance ? other : 0;
        }
        return sum - count(idle);
    }

    __device__ std::uint32_t take_lowest(std::uint32_t word, std::uint32_t& idle) {
        const std::uint32_t bit = idle & (~idle + 1);
        idle ^= bit;
        board_.given[word] ^= bit;
        return static_cast<std::uint32_t>(__ffs(static_cast<int>(bit))) - 1;
    }

    /// Requires: it counts as given.
    [[nodiscard]] __device__ std::uint64_t order_to(std::uint32_t group, std::uint32_t what) const {
        return std::uint64_t{order_tag(board_.given[group / 32] >> group % 32 & 1U)} << 32 | what;
    }

    const ServiceState& state_;
    Board& board_;
    std::uint32_t lane_;
    std::uint32_t workers_ = 0;
    std::uint32_t idle_ = 0;  ///< as of the last look, less what was given since
};

}  // namespace megabed
