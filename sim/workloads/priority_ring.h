#pragma once

#include "sim/engine/checkpoint.h"
#include "sim/scenario.h"
#include "sim/workloads/publishers.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <deque>

namespace megabed {

/// The published items of a bounded ring, a queue for every priority class: class 0 is served first, each class
/// in order of publication. A slot is taken from publication until the item is done.
class PriorityRing {
public:
    explicit PriorityRing(SlotCount slots) : slots_(slots.value()) {}

    [[nodiscard]] bool full() const { return taken_ >= slots_; }
    [[nodiscard]] std::uint32_t waiting() const { return waiting_; }
    [[nodiscard]] std::uint32_t taken() const { return taken_; }  ///< slots: waiting or being worked on

    /// Requires: not full.
    void publish(const ServiceItem& item) {
        assert(!full());
        ++taken_;
        put(item);
    }
    /// Takes the item that is served next; its slot stays taken. Requires: waiting() > 0.
    ServiceItem claim() {
        for (auto& queue : classes_) {
            if (!queue.empty()) {
                const ServiceItem item = queue.front();
                queue.pop_front();
                --waiting_;
                return item;
            }
        }
        assert(false);
        return {};
    }
    /// A claimed item goes back, behind the others of its class.
    void requeue(const ServiceItem& item) { put(item); }
    /// A claimed item is done.
    void release() { --taken_; }

    /// Greatest age of the items at the head of each class, in launches; a class is in order of publication,
    /// but for what was requeued or lifted into it.
    [[nodiscard]] std::uint64_t head_age(std::uint64_t launch) const {
        std::uint64_t age = 0;
        for (const auto& queue : classes_) {
            age = queue.empty() ? age : std::max(age, launch - queue.front().launch);
        }
        return age;
    }
    /// Lifts items of at least that age by one class, from the heads on. Returns how many.
    std::uint64_t lift_aged(std::uint64_t launch, std::uint64_t age) {
        std::uint64_t lifted = 0;
        for (std::size_t level = 1; level < classes_.size(); ++level) {
            auto& queue = classes_[level];
            for (std::size_t left = queue.size(); left > 0 && launch - queue.front().launch >= age; --left) {
                ServiceItem item = queue.front();
                queue.pop_front();
                item.priority = static_cast<std::uint8_t>(level - 1);
                classes_[level - 1].push_back(item);
                ++lifted;
            }
        }
        return lifted;
    }

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& waiting_& taken_;
        for (auto& queue : classes_) {
            archive_plain_items(archive, queue);
        }
    }

private:
    void put(const ServiceItem& item) {
        classes_[std::min<std::size_t>(item.priority, classes_.size() - 1)].push_back(item);
        ++waiting_;
    }

    std::uint32_t slots_;
    std::uint32_t waiting_ = 0;
    std::uint32_t taken_ = 0;
    std::array<std::deque<ServiceItem>, kPriorityClasses> classes_;
};

}  // namespace megabed
