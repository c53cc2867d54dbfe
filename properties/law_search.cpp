#include "properties/law_search.h"

#include "properties/choices.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kChunkCases = 1024;

/// Mixes seed, law and chunk into the seed of one stream (splitmix64's finaliser).
std::uint64_t chunk_seed(std::uint64_t seed, std::string_view law, std::uint64_t chunk) {
    std::uint64_t mixed = seed;
    const auto mix = [&mixed](std::uint64_t word) {
        mixed += 0x9E3779B97F4A7C15U + word;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
        mixed ^= mixed >> 31;
    };
    for (const char letter : law) {
        mix(static_cast<unsigned char>(letter));
    }
    mix(chunk);
    return mixed;
}

/// Makes policies, keeping the one for the standard parameters, which half of the cases use.
class PolicyMaker {
public:
    explicit PolicyMaker(const Subject& subject) : subject_(subject), standard_(subject.make({})) {}

    const Policy& policy_for(const LaunchPolicyParameters& parameters) {
        if (parameters == LaunchPolicyParameters{}) {
            return *standard_;
        }
        custom_ = subject_.make(parameters);
        return *custom_;
    }

private:
    const Subject& subject_;
    std::unique_ptr<Policy> standard_;
    std::unique_ptr<Policy> custom_;
};

struct Chunk {
    std::uint64_t cases = 0;
    std::uint64_t outside = 0;
    std::array<std::uint64_t, kClassesMax> reached{};
    std::optional<LawCase> broken{};
    std::string why{};
};

Chunk run_chunk(PolicyMaker& maker, const Subject& subject, const Law& law, std::uint64_t seed,
                std::uint64_t count) {
    Chunk chunk;
    SeededChoices choices(seed);
    LawCase input;
    for (std::uint64_t at = 0; at < count; ++at) {
        law.draw(choices, input);
        const Judgement judgement = judge(law, maker.policy_for(input.parameters), subject.parts, input);
        if (judgement.outcome == CaseOutcome::OutsideDomain) {
            ++chunk.outside;
            continue;
        }
        ++chunk.cases;
        for (std::uint32_t classes = judgement.classes; classes != 0; classes &= classes - 1) {
            ++chunk.reached[static_cast<std::size_t>(std::countr_zero(classes))];
        }
        if (judgement.outcome == CaseOutcome::Breaks) {
            chunk.broken = input;
            chunk.why = judgement.why;
            break;
        }
    }
    return chunk;
}

/// Threads take chunks in order; what comes after the first broken chunk is not counted.
class ParallelSearch {
public:
    ParallelSearch(const Subject& subject, const Law& law, const SearchOptions& options)
        : subject_(subject), law_(law), options_(options), start_(Clock::now()) {}

    SearchResult run() {
        std::vector<std::jthread> threads;
        for (unsigned job = 1; job < options_.jobs; ++job) {
            threads.emplace_back([this] { work(); });
        }
        work();
        threads.clear();
        SearchResult result;
        for (std::uint64_t at = 0; at < chunks_.size() && at <= first_broken_; ++at) {
            const Chunk& chunk = chunks_[at];
            result.cases += chunk.cases;
            result.outside += chunk.outside;
            for (std::size_t index = 0; index < kClassesMax; ++index) {
                result.reached[index] += chunk.reached[index];
            }
            if (chunk.broken) {
                result.broken = chunk.broken;
                result.why = chunk.why;
            }
        }
        result.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
        return result;
    }

private:
    [[nodiscard]] bool over(std::uint64_t chunk) const {
        if (options_.stop.stop_requested() || chunk > first_broken_) {
            return true;
        }
        return options_.budget ? Clock::now() - start_ >= *options_.budget && chunk > 0
                               : chunk * kChunkCases >= options_.cases;
    }

    void work() {
        PolicyMaker maker(subject_);
        while (true) {
            const std::uint64_t number = next_chunk_++;
            if (over(number)) {
                return;
            }
            const std::uint64_t left = options_.cases - std::min(options_.cases, number * kChunkCases);
            const std::uint64_t count = options_.budget ? kChunkCases : std::min(kChunkCases, left);
            Chunk chunk = run_chunk(maker, subject_, law_, chunk_seed(options_.seed, law_.id, number), count);
            const std::lock_guard lock(mutex_);
            if (chunks_.size() <= number) {
                chunks_.resize(number + 1);
            }
            if (chunk.broken) {
                first_broken_ = std::min(first_broken_.load(), number);
            }
            chunks_[number] = std::move(chunk);
        }
    }

    const Subject& subject_;
    const Law& law_;
    const SearchOptions& options_;
    Clock::time_point start_;
    std::atomic<std::uint64_t> next_chunk_{0};
    std::atomic<std::uint64_t> first_broken_{~std::uint64_t{0}};
    std::mutex mutex_;
    std::vector<Chunk> chunks_;
};

}  // namespace

std::vector<std::uint32_t> SearchResult::unreached(const Law& law) const {
    std::vector<std::uint32_t> missing;
    for (std::uint32_t index = 0; index < kClassesMax; ++index) {
        if ((law.must_reach >> index & 1U) != 0 && reached[index] == 0) {
            missing.push_back(index);
        }
    }
    return missing;
}

SearchResult search_law(const Subject& subject, const Law& law, const SearchOptions& options) {
    return ParallelSearch(subject, law, options).run();
}

Judgement judge_case(const Subject& subject, const Law& law, const LawCase& input) {
    return judge(law, *subject.make(input.parameters), subject.parts, input);
}

}  // namespace megabed
