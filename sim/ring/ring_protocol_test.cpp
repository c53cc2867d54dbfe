#include "sim/ring/host_atomics.h"
#include "sim/ring/ring_storage.h"

#include "sim/engine/counter_random.h"

#include <gtest/gtest.h>
#include <atomic>
#include <ostream>
#include <thread>
#include <tuple>
#include <vector>

namespace megabed {
namespace {

RingItem item(std::uint32_t tenant = 0, std::uint32_t priority = 1, std::uint32_t word = 0) {
    RingItem made;
    made.tenant = tenant;
    made.priority = priority;
    made.argument[0] = word;
    return made;
}

/// A ring, open for one worker.
struct OpenRing {
    explicit OpenRing(const RingSize& size, std::uint32_t claims = 1'000'000)
        : storage(size), ring(storage.view()) {
        ring.open(1, claims);
    }
    /// Word 0 of everything claimed, in order; all is completed.
    std::vector<std::uint32_t> serve(std::uint32_t wanted) {
        std::vector<std::uint32_t> words;
        ClaimedSlot claimed[HostRing::kBatchMax];
        const std::uint32_t count = ring.claim(wanted, claimed);
        for (std::uint32_t at = 0; at < count; ++at) {
            words.push_back(ring.view().slots[claimed[at].slot].argument[0]);
            EXPECT_TRUE(ring.complete(claimed[at]));
        }
        if (count != 0) {
            ring.leave();
        }
        return words;
    }
    void next_epoch(std::uint32_t claims = 1'000'000) {
        ring.close();
        EXPECT_EQ(ring.busy(), 0U);
        ring.open(1, claims);
    }
    RingStorage storage;
    HostRing ring;
};

TEST(RingProtocol, Items_come_out_in_the_order_of_their_tickets_and_slots_wrap_around) {
    OpenRing open({.slots = 3});
    for (std::uint32_t round = 0; round < 50; ++round) {
        for (std::uint32_t at = 0; at < 3; ++at) {
            ASSERT_EQ(open.ring.publish(item(0, 1, 3 * round + at)), PublishResult::Published);
        }
        ASSERT_EQ(open.ring.publish(item()), PublishResult::Full);
        ASSERT_EQ(open.serve(2), (std::vector{3 * round, 3 * round + 1}));
        ASSERT_EQ(open.serve(2), (std::vector{3 * round + 2}));
        ASSERT_EQ(open.ring.in_flight(), 0U);
    }
    EXPECT_EQ(open.storage.view().done_by_opcode[0], 150U);
}

TEST(RingProtocol, A_lower_class_is_served_first) {
    OpenRing open({.slots = 8});
    for (const std::uint32_t priority : {3U, 1U, 0U, 2U, 0U}) {
        ASSERT_EQ(open.ring.publish(item(0, priority, priority)), PublishResult::Published);
    }
    EXPECT_EQ(open.serve(4), (std::vector<std::uint32_t>{0, 0, 1, 2}));
    EXPECT_EQ(open.ring.publish(item(0, kRingClasses)), PublishResult::UnknownClass);
}

TEST(RingProtocol, Items_over_the_quota_wait_for_the_next_epoch_and_age) {
    OpenRing open({.slots = 8, .tenants = 2});
    open.storage.view().tenants[1].quota = 2;
    for (std::uint32_t word = 0; word < 5; ++word) {
        ASSERT_EQ(open.ring.publish(item(1, 1, word)), PublishResult::Published);
    }
    ASSERT_EQ(open.ring.publish(item(0, 1, 9)), PublishResult::Published);
    EXPECT_EQ(open.serve(8), (std::vector<std::uint32_t>{0, 1, 9}));
    EXPECT_EQ(open.ring.deferred(), 3U);
    EXPECT_EQ(open.ring.waiting(), 0U);
    EXPECT_EQ(open.ring.in_flight(), 3U);
    EXPECT_EQ(open.storage.view().tenants[1].requeued, 3U);
    open.next_epoch();
    EXPECT_EQ(open.ring.republish(), 3U);
    EXPECT_EQ(open.serve(8), (std::vector<std::uint32_t>{2, 3}));
    EXPECT_EQ(open.storage.view().control->requeued_age_max, 1U);
    open.next_epoch();
    EXPECT_EQ(open.ring.republish(), 1U);
    EXPECT_EQ(open.serve(8), (std::vector<std::uint32_t>{4}));
    EXPECT_EQ(open.ring.in_flight(), 0U);
}

TEST(RingProtocol, Aged_items_move_up_one_class_and_younger_ones_stay) {
    OpenRing open({.slots = 8});
    ASSERT_EQ(open.ring.publish(item(0, 3, 0)), PublishResult::Published);
    ASSERT_EQ(open.ring.publish(item(0, 2, 1)), PublishResult::Published);
    ASSERT_EQ(open.ring.publish(item(0, 0, 2)), PublishResult::Published);
    open.next_epoch();
    ASSERT_EQ(open.ring.publish(item(0, 2, 3)), PublishResult::Published);
    open.next_epoch();
    open.ring.close();
    EXPECT_EQ(open.ring.head_age(), 2U);
    EXPECT_EQ(open.ring.lift_aged(3), 0U);
    EXPECT_EQ(open.ring.lift_aged(2), 2U);  // item 0 to class 2, item 1 to class 1
    open.ring.open(1, 100);
    EXPECT_EQ(open.serve(8), (std::vector<std::uint32_t>{2, 1, 3, 0}));
    EXPECT_EQ(open.ring.head_age(), 0U);
}

TEST(RingProtocol, Two_items_never_hold_one_lock) {
    OpenRing open({.slots = 8, .locks = 2});
    for (std::uint32_t word = 0; word < 4; ++word) {
        RingItem locked = item(0, 1, word);
        locked.lock = 1 + word % 2;
        ASSERT_EQ(open.ring.publish(locked), PublishResult::Published);
    }
    EXPECT_EQ(open.serve(4), (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(open.ring.deferred(), 2U);
    EXPECT_EQ(open.ring.republish(), 2U);
    EXPECT_EQ(open.serve(4), (std::vector<std::uint32_t>{2, 3}));
    EXPECT_EQ(open.ring.in_flight(), 0U);
}

TEST(RingProtocol, An_item_that_waits_for_its_lock_uses_up_no_quota) {
    OpenRing open({.slots = 8, .locks = 1});
    open.storage.view().tenants[0].quota = 2;
    RingItem locked = item();
    locked.lock = 1;
    ASSERT_EQ(open.ring.publish(locked), PublishResult::Published);
    ASSERT_EQ(open.ring.publish(locked), PublishResult::Published);
    ASSERT_EQ(open.ring.publish(item(0, 1, 5)), PublishResult::Published);
    ASSERT_EQ(open.ring.publish(item(0, 1, 6)), PublishResult::Published);
    ClaimedSlot holder;
    ASSERT_EQ(open.ring.claim(1, &holder), 1U);
    EXPECT_EQ(open.serve(8), (std::vector<std::uint32_t>{5}));
    EXPECT_EQ(open.ring.deferred(), 2U);
    EXPECT_TRUE(open.ring.complete(holder));
    open.ring.leave();
}

TEST(RingProtocol, A_launch_makes_no_more_claims_than_it_has) {
    OpenRing open({.slots = 8}, 3);
    for (std::uint32_t word = 0; word < 5; ++word) {
        ASSERT_EQ(open.ring.publish(item(0, 1, word)), PublishResult::Published);
    }
    EXPECT_EQ(open.serve(2).size(), 2U);
    EXPECT_EQ(open.serve(2).size(), 1U);
    EXPECT_FALSE(open.ring.claimable());
    EXPECT_EQ(open.serve(2).size(), 0U);
    open.next_epoch(10);
    EXPECT_EQ(open.serve(8).size(), 2U);
    EXPECT_EQ(open.ring.claims_left(), 8U);
}

TEST(RingProtocol, Nothing_is_claimed_through_a_closed_gate) {
    OpenRing open({.slots = 8});
    ASSERT_EQ(open.ring.publish(item()), PublishResult::Published);
    open.ring.close();
    EXPECT_TRUE(open.serve(8).empty());
    EXPECT_EQ(open.ring.busy(), 0U);
}

TEST(RingProtocol, Bad_items_are_faults_that_name_their_slot) {
    OpenRing open({.slots = 4, .tenants = 2, .opcodes = 5});
    RingItem bad = item(1);
    bad.opcode = 5;
    ASSERT_EQ(open.ring.publish(item(0, 1, 3)), PublishResult::Published);
    ASSERT_EQ(open.ring.publish(bad), PublishResult::Published);
    EXPECT_EQ(open.ring.publish(item(2)), PublishResult::UnknownTenant);
    EXPECT_EQ(open.serve(8), (std::vector<std::uint32_t>{3}));
    ASSERT_EQ(open.ring.faults(), 1U);
    const FaultRecord fault = open.ring.first_fault();
    EXPECT_EQ(fault.reason, static_cast<std::uint32_t>(FaultReason::UnknownOpcode));
    EXPECT_EQ(std::tuple(fault.slot, fault.opcode, fault.tenant, fault.ticket), std::tuple(1U, 5U, 1U, 1U));
    EXPECT_EQ(open.ring.in_flight(), 1U);  // not lost: it is in the slot that the record names
    EXPECT_FALSE(open.ring.acknowledge(0));
    EXPECT_TRUE(open.ring.acknowledge(1));
    EXPECT_EQ(open.ring.in_flight(), 0U);
    for (std::uint32_t slot = 0; slot < 4; ++slot) {
        EXPECT_EQ(open.ring.publish(item()), PublishResult::Published);
    }
}

TEST(RingProtocol, A_lock_that_does_not_exist_is_a_fault) {
    OpenRing open({.slots = 4, .locks = 1});
    RingItem bad = item();
    bad.lock = 2;
    ASSERT_EQ(open.ring.publish(bad), PublishResult::Published);
    EXPECT_TRUE(open.serve(1).empty());
    EXPECT_EQ(open.ring.first_fault().reason, static_cast<std::uint32_t>(FaultReason::UnknownLock));
}

TEST(RingProtocol, The_watchdog_gives_up_what_is_stuck_and_the_late_worker_changes_nothing) {
    OpenRing open({.slots = 4});
    ASSERT_EQ(open.ring.publish(item(0, 1, 1)), PublishResult::Published);
    ClaimedSlot claimed;
    ASSERT_EQ(open.ring.claim(1, &claimed), 1U);
    open.ring.note_begin(0, claimed, 100);
    EXPECT_EQ(open.ring.give_up_stuck(150, 50), 0U);
    EXPECT_EQ(open.ring.give_up_stuck(151, 50), 1U);
    EXPECT_EQ(open.ring.give_up_stuck(152, 50), 0U);
    EXPECT_EQ(open.ring.first_fault().slot, 0U);
    EXPECT_FALSE(open.ring.complete(claimed));
    EXPECT_FALSE(open.ring.put_back(claimed));
    EXPECT_EQ(open.storage.view().control->done, 0U);
    // The slot's next item is not the late worker's either.
    ASSERT_TRUE(open.ring.acknowledge(0));
    for (std::uint32_t round = 0; round < 4; ++round) {
        ASSERT_EQ(open.ring.publish(item()), PublishResult::Published);
    }
    ClaimedSlot all[4];
    ASSERT_EQ(open.ring.claim(4, all), 4U);
    EXPECT_FALSE(open.ring.complete(claimed));
}

TEST(RingProtocol, What_no_worker_claims_is_given_up_too) {
    OpenRing open({.slots = 4});
    ASSERT_EQ(open.ring.publish(item()), PublishResult::Published);
    ASSERT_EQ(open.ring.publish(item(0, 1, 5)), PublishResult::Published);
    EXPECT_TRUE(open.ring.give_up_any());
    EXPECT_EQ(open.ring.first_fault().reason, static_cast<std::uint32_t>(FaultReason::NeverClaimed));
    EXPECT_EQ(open.serve(4), (std::vector<std::uint32_t>{5}));  // its index is skipped
    EXPECT_EQ(open.ring.faults(), 1U);
}

TEST(RingProtocol, What_is_put_back_and_never_published_again_is_given_up_too) {
    OpenRing open({.slots = 2});
    ASSERT_EQ(open.ring.publish(item()), PublishResult::Published);
    ClaimedSlot claimed;
    ASSERT_EQ(open.ring.claim(1, &claimed), 1U);
    ASSERT_TRUE(open.ring.put_back(claimed));
    open.ring.leave();
    EXPECT_TRUE(open.ring.give_up_any());
    EXPECT_FALSE(open.ring.give_up_any());
    open.ring.republish();
    EXPECT_FALSE(open.ring.claimable());
    EXPECT_EQ(open.ring.in_flight(), 1U);
    EXPECT_TRUE(open.ring.acknowledge(claimed.slot));
    EXPECT_EQ(open.ring.in_flight(), 0U);
}

TEST(RingProtocol, Starved_items_are_counted_once_they_run) {
    OpenRing open({.slots = 4});
    open.storage.view().control->starvation_epochs = 2;
    ASSERT_EQ(open.ring.publish(item()), PublishResult::Published);
    for (int epoch = 0; epoch < 3; ++epoch) {
        open.next_epoch();
    }
    ASSERT_EQ(open.ring.publish(item()), PublishResult::Published);
    EXPECT_EQ(open.serve(4).size(), 2U);
    EXPECT_EQ(open.storage.view().tenants[0].starved, 1U);
}

/// Publishers and workers on threads of their own, with delays between the steps of the protocol. Items have
/// children, some are put back, and every ticket has to be finished exactly once.
struct Stress {
    std::uint32_t slots;
    std::uint32_t publishers;
    std::uint32_t workers;
    std::uint32_t delay_share;  ///< of 256 points
};

std::ostream& operator<<(std::ostream& out, const Stress& stress) {
    return out << stress.slots << " slots, " << stress.publishers << " publishers, " << stress.workers
               << " workers";
}

class RingStress : public ::testing::TestWithParam<Stress> {};

TEST_P(RingStress, B1_every_published_item_is_finished_exactly_once) {
    const Stress stress = GetParam();
    constexpr std::uint32_t kItems = 1000;  // of each publisher
    constexpr std::uint32_t kChildOf = 7;   // every seventh item has a child
    const HostAtomics::Hook hook = [&](RingPoint point) {
        thread_local CounterRandom random(std::hash<std::thread::id>{}(std::this_thread::get_id()), 5);
        if ((random.next() + static_cast<std::uint64_t>(point)) % 256 < stress.delay_share) {
            std::this_thread::yield();
        }
    };
    RingStorage storage({stress.slots, stress.publishers, 2, 3, stress.workers});
    HostRing ring(storage.view(), HostAtomics(&hook));
    storage.view().tenants[0].quota = 500;
    std::vector<std::vector<std::atomic<std::uint32_t>>> finished(stress.publishers);
    for (auto& own : finished) {
        own = std::vector<std::atomic<std::uint32_t>>(std::size_t{2} * kItems);
    }
    const auto must_publish = [&](const RingItem& made) {
        HostBackoff backoff;
        while (ring.publish(made) == PublishResult::Full) {
            backoff.wait();
        }
    };
    std::atomic<std::uint32_t> children = 0;
    std::atomic<std::uint32_t> locked[3] = {};
    std::atomic<bool> shared_lock = false;
    const auto work = [&] {
        HostBackoff backoff;
        ClaimedSlot claimed[4];
        while (!ring.shutting_down()) {
            const std::uint32_t count = ring.claim(4, claimed);
            if (count == 0) {
                backoff.wait();
                continue;
            }
            backoff.reset();
            for (std::uint32_t at = 0; at < count; ++at) {
                RingSlot& slot = storage.view().slots[claimed[at].slot];
                const std::uint32_t lock = slot.argument[kArgLock];
                if (lock != 0 && locked[lock - 1].fetch_add(1) != 0) {
                    shared_lock = true;
                }
                const std::uint32_t word = slot.argument[0];
                const std::uint32_t tenant = slot.tenant;
                const bool again = word % 11 == 3 && slot.argument[1]++ == 0;
                if (lock != 0) {
                    locked[lock - 1].fetch_sub(1);
                }
                if (again) {
                    EXPECT_TRUE(ring.put_back(claimed[at]));
                    continue;
                }
                // A child only if there is room: workers that wait for slots that only they free would hang.
                if (word < kItems && word % kChildOf == 0 &&
                    ring.publish(item(tenant, 0, word + kItems)) == PublishResult::Published) {
                    ++children;
                }
                finished[tenant][word].fetch_add(1);
                EXPECT_TRUE(ring.complete(claimed[at]));
            }
            ring.leave();
        }
    };
    ring.open(stress.workers, 5000);
    std::vector<std::thread> threads;
    for (std::uint32_t worker = 0; worker < stress.workers; ++worker) {
        threads.emplace_back(work);
    }
    std::atomic<std::uint32_t> publishing = stress.publishers;
    for (std::uint32_t publisher = 0; publisher < stress.publishers; ++publisher) {
        threads.emplace_back([&, publisher] {
            for (std::uint32_t word = 0; word < kItems; ++word) {
                RingItem made = item(publisher, word % kRingClasses, word);
                made.opcode = word % 2;
                made.lock = word % 5 == 0 ? 1 + word % 3 : 0;
                must_publish(made);
            }
            --publishing;
        });
    }
    HostBackoff backoff;
    while (publishing != 0 || ring.in_flight() != 0) {
        if (ring.claims_left() == 0 || ring.deferred() != 0) {
            ring.close();
            while (ring.busy() != 0) {
                backoff.wait();
            }
            ring.republish();
            ring.lift_aged(2);
            ring.open(stress.workers, 5000);
        }
        std::this_thread::yield();
    }
    ring.shut_down();
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_FALSE(shared_lock);
    EXPECT_EQ(ring.faults(), 0U);
    std::uint64_t published = 0;
    for (std::uint32_t publisher = 0; publisher < stress.publishers; ++publisher) {
        const TenantControl& tenant = storage.view().tenants[publisher];
        EXPECT_EQ(tenant.published, tenant.done);
        published += tenant.published;
        for (std::uint32_t word = 0; word < kItems; ++word) {
            ASSERT_EQ(finished[publisher][word], 1U) << word;
            ASSERT_LE(finished[publisher][word + kItems], word % kChildOf == 0 ? 1U : 0U) << word;
        }
    }
    EXPECT_EQ(published, stress.publishers * kItems + children);
    EXPECT_EQ(storage.view().control->done, published);
    EXPECT_EQ(storage.view().done_by_opcode[0] + storage.view().done_by_opcode[1], published);
    for (std::uint32_t slot = 0; slot < stress.slots; ++slot) {
        EXPECT_EQ(SlotStatus{storage.view().slots[slot].status}.state(), SlotState::Empty);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, RingStress,
                         ::testing::Values(Stress{1, 1, 1, 0}, Stress{1, 2, 2, 64}, Stress{3, 2, 3, 64},
                                           Stress{16, 1, 4, 128}, Stress{64, 3, 2, 16},
                                           Stress{1000, 2, 4, 32}));

}  // namespace
}  // namespace megabed
