#pragma once

#include <cuda_runtime.h>

namespace megabed {

/// Two events around work of the default stream. What CUDA refuses is left for cudaGetLastError.
class EventTimer {
public:
    EventTimer() {
        (void)cudaEventCreate(&begin_);
        (void)cudaEventCreate(&end_);
    }
    EventTimer(const EventTimer&) = delete;
    EventTimer& operator=(const EventTimer&) = delete;
    ~EventTimer() {
        (void)cudaEventDestroy(begin_);
        (void)cudaEventDestroy(end_);
    }

    /// Seconds on the device between the events around what `launch` starts; waits for it.
    template <class Launch>
    [[nodiscard]] double time(Launch launch) const {
        (void)cudaEventRecord(begin_);
        launch();
        (void)cudaEventRecord(end_);
        (void)cudaEventSynchronize(end_);
        float milliseconds = 0;
        (void)cudaEventElapsedTime(&milliseconds, begin_, end_);
        return static_cast<double>(milliseconds) / 1000;
    }

private:
    cudaEvent_t begin_{};
    cudaEvent_t end_{};
};

}  // namespace megabed
