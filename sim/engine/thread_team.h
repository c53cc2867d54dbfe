#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace megabed {

/// Threads that stay, for work that comes in many short rounds. They start at the first round.
/// Standard threads rather than a scheduler library: ThreadSanitizer sees through them.
class ThreadTeam {
public:
    /// Requires: threads is at least 1; the caller of `run` is one of them.
    explicit ThreadTeam(unsigned threads) : size_(threads) {}
    ThreadTeam(const ThreadTeam&) = delete;
    ThreadTeam& operator=(const ThreadTeam&) = delete;
    ~ThreadTeam();

    [[nodiscard]] unsigned size() const { return size_; }

    /// Calls work(n) for every n below size(), each on a thread of its own, 0 on the caller's, and returns when
    /// all are done. Requires: work throws nothing; one caller at a time.
    template <class Work>
    void run(const Work& work) {
        run_erased([](const void* erased, unsigned number) { (*static_cast<const Work*>(erased))(number); },
                   &work);
    }

private:
    using Call = void (*)(const void*, unsigned);

    void run_erased(Call call, const void* work);
    void serve(unsigned number);

    unsigned size_;
    Call call_ = nullptr;  ///< null ends the threads
    const void* work_ = nullptr;
    std::atomic<std::uint32_t> round_ = 0;
    std::atomic<unsigned> busy_ = 0;
    std::vector<std::jthread> threads_;
};

}  // namespace megabed
