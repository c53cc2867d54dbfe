#include "gpu/memory/mapped_memory.h"

#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <cstring>

namespace megabed {

Loaded<MappedMemory> MappedMemory::make(Bytes bytes) {
    MappedMemory memory;
    if (const auto made =
            cuda_check(cudaHostAlloc(&memory.host_, bytes.value(), cudaHostAllocMapped | cudaHostAllocPortable),
                       "cudaHostAlloc of memory that host and device share");
        !made) {
        memory.host_ = nullptr;
        return Refusal(made.error());
    }
    std::memset(memory.host_, 0, bytes.value());
    if (const auto mapped =
            cuda_check(cudaHostGetDevicePointer(&memory.device_, memory.host_, 0), "cudaHostGetDevicePointer");
        !mapped) {
        return Refusal(mapped.error());
    }
    return memory;
}

MappedMemory::~MappedMemory() {
    if (host_ != nullptr) {
        (void)cudaFreeHost(host_);
        (void)cudaGetLastError();
    }
}

}  // namespace megabed
