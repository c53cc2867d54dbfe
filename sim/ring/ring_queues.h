#pragma once

#include "sim/ring/ring_layout.h"
#include "sim/ring/ring_team.h"

#include <cstdint>

namespace megabed {

/// How long a thread waits that has found nothing `round` times in a row: 32 ns, doubling up to 4 us.
[[nodiscard]] constexpr std::uint32_t backoff_ns(std::uint32_t round) {
    constexpr std::uint32_t kFirst = 32;
    constexpr std::uint32_t kDoublings = 7;
    return kFirst << (round < kDoublings ? round : kDoublings);
}
static_assert(backoff_ns(0) == 32 && backoff_ns(1) == 64 && backoff_ns(99) == 4096);

/// The ring's queues of slot indices: bounded, first in first out, any number of pushers and poppers. Whole
/// batches go in and out with one read-modify-write of each ticket counter, and none is ever repeated.
/// A cell says whose turn it is, so that only a thread that has taken a ticket and not yet used it, two steps
/// later, can make another one wait: PROTOCOL.md.
/// Requires: an index is in at most one queue at a time, and a queue has a place for each.
template <class Atomics>
class RingQueues {
public:
    constexpr RingQueues(const RingView& view, Atomics atomics) : view_(view), atomics_(atomics) {}

    /// Indices that may be popped. A snapshot.
    [[nodiscard]] constexpr std::uint64_t length(std::uint32_t queue) const {
        const std::int64_t items = atomics_.load_relaxed(tickets(queue).items);
        return items > 0 ? static_cast<std::uint64_t>(items) : 0;
    }

    /// Pushes the first `mine` of each lane's `indices`, in the order of the lanes.
    template <class Team>
    constexpr void push(const Team& team, std::uint32_t queue, const std::uint32_t* indices,
                        std::uint32_t mine) const {
        const std::uint32_t total = team.sum(mine);
        const std::uint32_t before = team.sum_before(mine);
        if (total == 0) {
            return;
        }
        std::uint64_t first = 0;
        if (team.leads()) {
            first = atomics_.add_relaxed(tickets(queue).tail, std::uint64_t{total});
        }
        first = team.of_leader(first) + before;
        for (std::uint32_t at = 0; at < mine; ++at) {
            write(queue, first + at, indices[at]);
        }
        team.sync();
        if (team.leads()) {
            atomics_.note(tickets(queue).items, std::int64_t{total});
        }
    }
    constexpr void push(std::uint32_t queue, std::uint32_t index) const {
        push(SingleItem{}, queue, &index, 1);
    }

    /// Pops as many as there are, at most the sum of the lanes' `mine`, in the order of the lanes: `mine`
    /// becomes what the lane got. Returns the sum.
    template <class Team>
    constexpr std::uint32_t pop(const Team& team, std::uint32_t queue, std::uint32_t* indices,
                                std::uint32_t& mine) const {
        const std::uint32_t wanted = team.sum(mine);
        const std::uint32_t before = team.sum_before(mine);
        std::uint64_t first = 0;
        std::uint32_t got = 0;
        if (wanted != 0 && team.leads()) {
            got = take_items(queue, wanted);
            if (got != 0) {
                atomics_.at(RingPoint::BeforePop);
                first = atomics_.add_relaxed(tickets(queue).head, std::uint64_t{got});
            }
        }
        got = static_cast<std::uint32_t>(team.of_leader(got));
        first = team.of_leader(first) + before;
        const std::uint32_t left = got > before ? got - before : 0;
        mine = mine < left ? mine : left;
        for (std::uint32_t at = 0; at < mine; ++at) {
            indices[at] = read(queue, first + at);
        }
        return got;
    }
    constexpr bool pop(std::uint32_t queue, std::uint32_t& index) const {
        std::uint32_t mine = 1;
        return pop(SingleItem{}, queue, &index, mine) != 0;
    }

    /// The index that the next pop gives, if there is one. Requires: nobody pops.
    constexpr bool peek(std::uint32_t queue, std::uint32_t& index) const {
        if (length(queue) == 0) {
            return false;
        }
        const std::uint64_t head = atomics_.load_relaxed(tickets(queue).head);
        const std::uint64_t entry = atomics_.load(cell(queue, head));
        index = static_cast<std::uint32_t>(entry);
        return turn_of(entry) == turn(head) + 1;
    }

private:
    /// Takes the right to as many tickets as there are items, at most `wanted`. The count never promises more
    /// than was pushed: one who takes too many gives them back, and meanwhile others see too few.
    constexpr std::uint32_t take_items(std::uint32_t queue, std::uint32_t wanted) const {
        std::int64_t& items = tickets(queue).items;
        const std::int64_t seen = atomics_.load_relaxed(items);
        const std::int64_t ask = seen < std::int64_t{wanted} ? seen : std::int64_t{wanted};
        if (ask <= 0) {
            return 0;
        }
        const std::int64_t found = atomics_.add_relaxed(items, -ask);
        const std::int64_t got = found < 0 ? 0 : (found < ask ? found : ask);
        if (got != ask) {
            atomics_.note(items, ask - got);
        }
        return static_cast<std::uint32_t>(got);
    }

    constexpr void write(std::uint32_t queue, std::uint64_t ticket, std::uint32_t index) const {
        std::uint64_t& place = cell(queue, ticket);
        for (std::uint32_t round = 0; turn_of(atomics_.load_relaxed(place)) != turn(ticket); ++round) {
            atomics_.pause(round);  // its last reader is about to leave
        }
        atomics_.store(place, std::uint64_t{turn(ticket) + 1} << 32 | index);
    }

    constexpr std::uint32_t read(std::uint32_t queue, std::uint64_t ticket) const {
        std::uint64_t& place = cell(queue, ticket);
        std::uint64_t entry = atomics_.load(place);
        for (std::uint32_t round = 0; turn_of(entry) != turn(ticket) + 1; ++round) {
            atomics_.pause(round);  // its writer is about to write
            entry = atomics_.load(place);
        }
        // One word only: the order of its own changes is enough, and no other memory hangs on it.
        atomics_.store_relaxed(place, std::uint64_t{turn(ticket) + 2} << 32);
        return static_cast<std::uint32_t>(entry);
    }

    [[nodiscard]] constexpr QueueTickets& tickets(std::uint32_t queue) const {
        return view_.control->queues[queue];
    }
    [[nodiscard]] constexpr std::uint64_t& cell(std::uint32_t queue, std::uint64_t ticket) const {
        const std::uint64_t mask = (std::uint64_t{1} << view_.capacity_log2) - 1;
        return view_.cells[(std::uint64_t{queue} << view_.capacity_log2) + (ticket & mask)];
    }
    /// Top half of a cell: even while it may be written, one more while it may be read.
    [[nodiscard]] constexpr std::uint32_t turn(std::uint64_t ticket) const {
        return static_cast<std::uint32_t>(ticket >> view_.capacity_log2) * 2;
    }
    [[nodiscard]] static constexpr std::uint32_t turn_of(std::uint64_t entry) {
        return static_cast<std::uint32_t>(entry >> 32);
    }

    RingView view_;
    Atomics atomics_;
};

}  // namespace megabed
