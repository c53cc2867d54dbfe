#include "sim/ring/host_atomics.h"
#include "sim/ring/ring_storage.h"

#include "sim/engine/counter_random.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <thread>
#include <utility>
#include <vector>

namespace megabed {
namespace {

constexpr std::uint32_t kLaneCount = 4;

/// What the lanes of one team share.
struct LaneBoard {
    std::barrier<> barrier{kLaneCount};
    std::array<std::uint64_t, kLaneCount> words{};
};

/// A team whose lanes are threads: what a warp does in step, they do in any order between two barriers.
class ThreadTeam {
public:
    static constexpr std::uint32_t kLanes = kLaneCount;
    static constexpr std::uint32_t kShare = kRingBatch / kLanes;

    ThreadTeam(LaneBoard& board, std::uint32_t rank) : board_(&board), rank_(rank) {}

    [[nodiscard]] std::uint32_t rank() const { return rank_; }
    [[nodiscard]] bool leads() const { return rank_ == 0; }
    [[nodiscard]] std::uint64_t of_leader(std::uint64_t value) const { return gather(value)[0]; }
    [[nodiscard]] std::uint32_t sum(std::uint32_t value) const { return sum_of(gather(value), kLanes); }
    [[nodiscard]] std::uint32_t sum_before(std::uint32_t value) const { return sum_of(gather(value), rank_); }
    void sync() const { board_->barrier.arrive_and_wait(); }
    template <class Add>
    void by_key(const std::uint32_t* keys, std::uint32_t count, Add add) const {
        SoloTeam{}.by_key(keys, count, add);
    }

private:
    [[nodiscard]] std::array<std::uint64_t, kLanes> gather(std::uint64_t value) const {
        board_->words[rank_] = value;
        sync();
        const std::array<std::uint64_t, kLanes> seen = board_->words;
        sync();
        return seen;
    }
    [[nodiscard]] static std::uint32_t sum_of(const std::array<std::uint64_t, kLanes>& words,
                                              std::uint32_t count) {
        std::uint32_t sum = 0;
        for (std::uint32_t lane = 0; lane < count; ++lane) {
            sum += static_cast<std::uint32_t>(words[lane]);
        }
        return sum;
    }

    LaneBoard* board_;
    std::uint32_t rank_;
};

RingItem item(std::uint32_t word, std::uint32_t tenant = 0, std::uint32_t priority = 1) {
    RingItem made;
    made.tenant = tenant;
    made.priority = priority;
    made.argument[0] = word;
    return made;
}

template <class Body>
void run_team(Body body) {
    LaneBoard board;
    std::vector<std::thread> lanes;
    for (std::uint32_t rank = 0; rank < kLaneCount; ++rank) {
        lanes.emplace_back([&board, rank, body] { body(ThreadTeam(board, rank)); });
    }
    for (std::thread& lane : lanes) {
        lane.join();
    }
}

TEST(RingBatch, A_batch_is_published_and_claimed_in_order_by_classes) {
    RingStorage storage({.slots = 64, .tenants = 2, .opcodes = 2});
    HostRing ring(storage.view());
    std::vector<RingItem> items;
    for (std::uint32_t word = 0; word < 20; ++word) {
        items.push_back(item(word, word % 2, word % 3));
    }
    std::vector<PublishResult> results(items.size());
    EXPECT_EQ(ring.publish(SoloTeam{}, items.data(), 20, results.data()), 20U);
    ring.open(1, 30);
    ClaimedShare<SoloTeam> batch;
    ASSERT_EQ(ring.claim(SoloTeam{}, 32, batch), 20U);
    EXPECT_EQ(ring.claims_left(), 10U);  // what found nothing is given back
    std::vector<std::uint32_t> words;
    for (std::uint32_t at = 0; at < batch.count; ++at) {
        words.push_back(storage.view().slots[batch.item[at].slot].argument[0]);
    }
    std::vector<std::uint32_t> expected;
    for (std::uint32_t priority = 0; priority < 3; ++priority) {
        for (std::uint32_t word = priority; word < 20; word += 3) {
            expected.push_back(word);
        }
    }
    EXPECT_EQ(words, expected);
    EXPECT_EQ(ring.complete(SoloTeam{}, batch.item, batch.count), 20U);
    ring.leave(SoloTeam{});
    EXPECT_EQ(ring.busy(), 0U);
    EXPECT_EQ(ring.in_flight(), 0U);
    EXPECT_EQ(storage.view().tenants[1].done, 10U);
    EXPECT_EQ(storage.view().control->claimed, 20U);
}

TEST(RingBatch, Where_slots_run_out_the_first_items_get_them_and_bad_ones_take_none) {
    RingStorage storage({.slots = 3});
    HostRing ring(storage.view());
    const std::array items{item(0), item(1, 7), item(2, 0, kRingClasses), item(3), item(4), item(5)};
    std::array<PublishResult, items.size()> results{};
    EXPECT_EQ(ring.publish(SoloTeam{}, items.data(), items.size(), results.data()), 3U);
    using enum PublishResult;
    EXPECT_EQ(results, (std::array{Published, UnknownTenant, UnknownClass, Published, Published, Full}));
    EXPECT_EQ(ring.in_flight(), 3U);
    EXPECT_EQ(storage.view().control->published, 3U);
}

TEST(RingBatch, Of_a_batch_what_the_watchdog_gave_up_is_not_counted) {
    RingStorage storage({.slots = 8});
    HostRing ring(storage.view());
    for (std::uint32_t word = 0; word < 5; ++word) {
        ASSERT_EQ(ring.publish(item(word)), PublishResult::Published);
    }
    ring.open(1, 100);
    ClaimedShare<SoloTeam> batch;
    ASSERT_EQ(ring.claim(SoloTeam{}, 5, batch), 5U);
    ring.note_begin(0, batch.item[2], 10);
    EXPECT_FALSE(ring.is_stuck(0));
    EXPECT_EQ(ring.give_up_stuck(100, 50), 1U);
    EXPECT_TRUE(ring.is_stuck(0));
    EXPECT_EQ(ring.complete(SoloTeam{}, batch.item, batch.count), 4U);
    ring.leave();
    EXPECT_EQ(storage.view().control->done, 4U);
    EXPECT_EQ(ring.in_flight(), 1U);
    EXPECT_EQ(ring.first_fault().slot, batch.item[2].slot);
}

TEST(RingBatch, What_a_publisher_serves_itself_is_counted_and_takes_a_claim) {
    RingStorage storage({.slots = 2, .tenants = 2, .opcodes = 3});
    HostRing ring(storage.view());
    ring.open(1, 3);
    EXPECT_EQ(ring.take_claims(2), 2U);
    const std::array<std::uint32_t, 2> opcodes{2, 1};
    const std::array<std::uint32_t, 2> tenants{1, 1};
    ring.count_served(SoloTeam{}, opcodes.data(), tenants.data(), 2);
    EXPECT_EQ(ring.claims_left(), 1U);
    EXPECT_EQ(storage.view().control->published, 2U);
    EXPECT_EQ(storage.view().control->claimed, 2U);
    EXPECT_EQ(storage.view().control->done, 2U);
    EXPECT_EQ(storage.view().tenants[1].done, 2U);
    EXPECT_EQ(storage.view().done_by_opcode[2], 1U);
    EXPECT_EQ(ring.in_flight(), 0U);
    EXPECT_EQ(ring.take_claims(5), 1U);
    ring.return_claims(1);
    EXPECT_EQ(ring.claims_left(), 1U);
}

TEST(RingBatch, What_a_publisher_issues_is_claimed_at_once_and_told_of_before_it_is_counted) {
    RingStorage storage({4, 2, 1, 0, 3});
    HostRing ring(storage.view());
    RingControl& control = *storage.view().control;
    ring.open(3, 10);
    ASSERT_EQ(ring.publish(item(1)), PublishResult::Published);
    const SoloTeam alone;
    ClaimedSlot free[kRingBatch];
    std::uint32_t got = 3;
    ASSERT_EQ(ring.take_free(alone, free, got), 3U);
    EXPECT_EQ(ring.publish(item(9)), PublishResult::Full);  // they are out of circulation
    ASSERT_EQ(ring.take_claims(2), 2U);
    const RingItem items[2] = {item(2, 1), item(3)};
    HostRing::IssuePlace places[2] = {{free[0], 1}, {free[1], 2}};
    ring.issue(alone, items, places, 2, {.ticket = 1, .now = 100, .epoch = ring.epoch()});
    EXPECT_EQ(ring.in_flight(), 3U);
    EXPECT_EQ(control.published, 3U);
    EXPECT_EQ(control.claimed, 2U);
    EXPECT_EQ(ring.busy(), 2U);
    EXPECT_EQ(ring.waiting(), 1U);
    for (const auto& place : places) {
        const RingSlot& slot = storage.view().slots[place.slot.slot];
        EXPECT_EQ(slot.status, place.slot.status.word);
        EXPECT_EQ(SlotStatus{slot.status}.state(), SlotState::Claimed);
        EXPECT_EQ(slot.argument[kArgTicket], place.worker);  // 1 and 2
    }
    // The watchdog knows of both; one is given up, and its worker, late, is told of nothing.
    EXPECT_FALSE(ring.give_up_stuck(1, 150, 60));
    EXPECT_TRUE(ring.give_up_stuck(2, 200, 60));
    const ClaimedSlot both[2] = {places[0].slot, places[1].slot};
    std::vector<std::uint32_t> told;
    const std::uint32_t completed = ring.complete(alone, both, 2, [&](std::uint32_t at) {
        told.push_back(at);
        EXPECT_EQ(SlotStatus{storage.view().slots[both[at].slot].status}.state(), SlotState::Done);
        EXPECT_EQ(control.done, 0U);
    });
    EXPECT_EQ(completed, 1U);
    EXPECT_EQ(told, (std::vector<std::uint32_t>{0}));
    EXPECT_EQ(control.done, 1U);
    EXPECT_EQ(storage.view().tenants[1].published, 1U);
    EXPECT_EQ(storage.view().tenants[1].done, 1U);
    ring.leave();
    ring.leave();
    EXPECT_EQ(ring.busy(), 0U);
    EXPECT_EQ(ring.in_flight(), 2U);  // the one in its class's queue, and the fault
    std::uint32_t one = 1;
    ring.return_free(alone, &free[2], one);
    EXPECT_EQ(control.queues[kFreeQueue].items, 2);
    EXPECT_EQ(ring.publish(item(4)), PublishResult::Published);
}

TEST(RingBatch, A_team_of_several_lanes_shares_a_batch_out_and_keeps_the_order) {
    RingStorage storage({.slots = 64, .tenants = 2});
    HostRing ring(storage.view());
    std::array<std::vector<std::uint32_t>, kLaneCount> words;
    std::atomic<std::uint32_t> published = 0;
    ring.open(1, 1000);
    run_team([&](ThreadTeam team) {
        // Lane 0 has 0 items, lane 1 three, lane 2 six, lane 3 eight: 17.
        const std::uint32_t count = std::min(3 * team.rank(), ThreadTeam::kShare);
        std::vector<RingItem> items;
        for (std::uint32_t at = 0; at < count; ++at) {
            items.push_back(item(10 * team.rank() + at, team.rank() % 2));
        }
        std::array<PublishResult, ThreadTeam::kShare> results{};
        published += ring.publish(team, items.data(), count, results.data());
        team.sync();
        ClaimedShare<ThreadTeam> mine;
        EXPECT_EQ(ring.claim(team, 32, mine), 17U);
        for (std::uint32_t at = 0; at < mine.count; ++at) {
            words[team.rank()].push_back(storage.view().slots[mine.item[at].slot].argument[0]);
        }
        EXPECT_EQ(ring.complete(team, mine.item, mine.count), 17U);
        ring.leave(team);
    });
    EXPECT_EQ(published, 17U * kLaneCount);  // every lane is told
    std::vector<std::uint32_t> all;
    for (const auto& lane : words) {
        all.insert(all.end(), lane.begin(), lane.end());
    }
    EXPECT_EQ(all,
              (std::vector<std::uint32_t>{10, 11, 12, 20, 21, 22, 23, 24, 25, 30, 31, 32, 33, 34, 35, 36, 37}));
    EXPECT_EQ(words[0].size(), 8U);
    EXPECT_EQ(words[3].size(), 0U);
    EXPECT_EQ(ring.busy(), 0U);
    EXPECT_EQ(ring.in_flight(), 0U);
    EXPECT_EQ(storage.view().control->done, 17U);
    EXPECT_EQ(storage.view().tenants[0].done, 6U);
}

/// A team whose leader does something else right after the first value of its that all lanes get.
class InterruptedTeam : public ThreadTeam {
public:
    InterruptedTeam(const ThreadTeam& team, const std::function<void()>& interrupt)
        : ThreadTeam(team), interrupt_(interrupt) {}
    [[nodiscard]] std::uint64_t of_leader(std::uint64_t value) const {
        const std::uint64_t led = ThreadTeam::of_leader(value);
        if (!std::exchange(interrupted_, true)) {
            if (leads()) {
                interrupt_();
            }
            sync();
        }
        return led;
    }

private:
    const std::function<void()>& interrupt_;
    mutable bool interrupted_ = false;
};

TEST(RingBatch, A_team_republishes_what_was_put_back_before_and_no_lane_reads_anothers_ticket) {
    RingStorage storage({.slots = 16});
    HostRing ring(storage.view());
    for (std::uint32_t word = 0; word < 15; ++word) {
        ASSERT_EQ(ring.publish(item(word)), PublishResult::Published);
    }
    ring.open(1, 1000);
    ClaimedSlot claimed[15];
    ASSERT_EQ(ring.claim(15, claimed), 15U);
    // Lane 0 has a whole share, lane 1 a part of one, the others none.
    constexpr std::uint32_t kBefore = ThreadTeam::kShare + 1;
    for (std::uint32_t at = 0; at < kBefore; ++at) {
        ASSERT_TRUE(ring.put_back(claimed[at]));
    }
    const std::function<void()> others_come = [&] {
        for (std::uint32_t at = kBefore; at < 15; ++at) {
            ring.put_back(claimed[at]);
        }
    };
    std::atomic<std::uint32_t> republished = 0;
    run_team([&](ThreadTeam team) { republished += ring.republish(InterruptedTeam(team, others_come)); });
    EXPECT_EQ(republished, kBefore * kLaneCount);  // every lane is told
    EXPECT_EQ(ring.deferred(), 15 - kBefore);
    EXPECT_EQ(ring.waiting(), kBefore);
    ring.leave();
    EXPECT_EQ(ring.republish(), 15 - kBefore);
}

// ---- stress ----

/// Teams of threads and threads alone publish, claim, put back and complete batches of all sizes, with delays.
struct BatchStress {
    std::uint32_t slots;
    std::uint32_t teams;
    std::uint32_t loners;
};

std::ostream& operator<<(std::ostream& out, const BatchStress& stress) {
    return out << stress.slots << " slots, " << stress.teams << " teams, " << stress.loners << " loners";
}

class RingBatchStress : public ::testing::TestWithParam<BatchStress> {};

/// The items of one run, and how often each was finished.
class Ledger {
public:
    explicit Ledger(std::uint32_t items) : finished_(items) {}
    /// The next items to publish, at most `wanted`.
    std::vector<RingItem> take(std::uint32_t wanted) {
        const std::uint32_t first = next_.fetch_add(wanted);
        std::vector<RingItem> items;
        for (std::uint32_t word = first; word < first + wanted && word < finished_.size(); ++word) {
            items.push_back(item(word, word % 3, word % kRingClasses));
            items.back().opcode = word % 2;
            items.back().lock = word % 7 == 0 ? 1 + word % 2 : 0;
        }
        return items;
    }
    void finish(std::uint32_t word) {
        finished_[word].fetch_add(1);
        ++done_;
    }
    [[nodiscard]] bool complete() const { return done_ == finished_.size(); }
    void expect_each_once() const {
        for (std::size_t word = 0; word < finished_.size(); ++word) {
            ASSERT_EQ(finished_[word], 1U) << word;
        }
    }

private:
    std::vector<std::atomic<std::uint32_t>> finished_;
    std::atomic<std::uint32_t> next_{0};
    std::atomic<std::uint32_t> done_{0};
};

template <class Team>
void work_as(const Team& team, HostRing& ring, Ledger& ledger, std::uint64_t seed) {
    CounterRandom random(seed, team.rank());
    CounterRandom shared(seed, 99);  // the same in all lanes
    std::vector<RingItem> waiting;
    HostBackoff backoff;
    while (team.of_leader(ring.shutting_down() ? 1 : 0) == 0) {
        if (waiting.empty()) {
            waiting = ledger.take(static_cast<std::uint32_t>(random.next() % (Team::kShare + 1)));
        }
        PublishResult results[Team::kShare] = {};
        const auto count = static_cast<std::uint32_t>(waiting.size());
        ring.publish(team, waiting.data(), count, results);
        std::vector<RingItem> left;
        for (std::uint32_t at = 0; at < count; ++at) {
            EXPECT_TRUE(results[at] == PublishResult::Published || results[at] == PublishResult::Full);
            if (results[at] == PublishResult::Full) {
                left.push_back(waiting[at]);
            }
        }
        waiting = left;
        ClaimedShare<Team> mine;
        if (ring.claim(team, static_cast<std::uint32_t>(shared.next() % kRingBatch) + 1, mine) == 0) {
            backoff.wait();
            continue;
        }
        ClaimedSlot finished[Team::kShare];
        std::uint32_t done = 0;
        for (std::uint32_t at = 0; at < mine.count; ++at) {
            RingSlot& slot = ring.view().slots[mine.item[at].slot];
            if (slot.argument[0] % 11 == 3 && slot.argument[1]++ == 0) {
                EXPECT_TRUE(ring.put_back(mine.item[at]));
            } else {
                ledger.finish(slot.argument[0]);
                finished[done++] = mine.item[at];
            }
        }
        EXPECT_EQ(ring.complete(team, finished, done), team.sum(done));
        ring.leave(team);
    }
}

TEST_P(RingBatchStress, B1_batches_lose_nothing_and_finish_everything_once) {
    const BatchStress stress = GetParam();
    const HostAtomics::Hook hook = [](RingPoint point) {
        thread_local CounterRandom random(std::hash<std::thread::id>{}(std::this_thread::get_id()), 7);
        if ((random.next() + static_cast<std::uint64_t>(point)) % 16 == 0) {
            std::this_thread::yield();
        }
    };
    const std::uint32_t workers = stress.teams + stress.loners;
    RingStorage storage({stress.slots, 3, 2, 2, workers});
    HostRing ring(storage.view(), HostAtomics(&hook));
    storage.view().tenants[1].quota = 40;
    Ledger ledger(3000);
    ring.open(workers, 500);
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<LaneBoard>> boards;
    for (std::uint32_t team = 0; team < stress.teams; ++team) {
        boards.push_back(std::make_unique<LaneBoard>());
        for (std::uint32_t rank = 0; rank < kLaneCount; ++rank) {
            threads.emplace_back([&ring, &ledger, board = boards.back().get(), rank, team] {
                work_as(ThreadTeam(*board, rank), ring, ledger, team);
            });
        }
    }
    for (std::uint32_t loner = 0; loner < stress.loners; ++loner) {
        threads.emplace_back([&ring, &ledger, loner] { work_as(SoloTeam{}, ring, ledger, 50 + loner); });
    }
    HostBackoff backoff;
    while (!ledger.complete() || ring.in_flight() != 0) {
        if (ring.claims_left() == 0 || ring.deferred() != 0) {
            ring.close();
            while (ring.busy() != 0) {
                backoff.wait();
            }
            ring.republish();
            ring.open(workers, 500);
        }
        std::this_thread::yield();
    }
    ring.shut_down();
    for (std::thread& thread : threads) {
        thread.join();
    }
    ledger.expect_each_once();
    EXPECT_EQ(ring.faults(), 0U);
    const RingControl& control = *storage.view().control;
    EXPECT_EQ(control.published, 3000U);
    EXPECT_EQ(control.done, 3000U);
    EXPECT_EQ(control.claimed, control.done + control.requeued);
    for (const QueueTickets& queue : control.queues) {
        EXPECT_EQ(queue.tail - queue.head, static_cast<std::uint64_t>(queue.items));
    }
    EXPECT_EQ(control.queues[kFreeQueue].items, stress.slots);
    for (std::uint32_t slot = 0; slot < stress.slots; ++slot) {
        EXPECT_EQ(SlotStatus{storage.view().slots[slot].status}.state(), SlotState::Empty);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, RingBatchStress,
                         ::testing::Values(BatchStress{1, 0, 2}, BatchStress{5, 1, 1}, BatchStress{32, 2, 0},
                                           BatchStress{100, 1, 3}));

}  // namespace
}  // namespace megabed
