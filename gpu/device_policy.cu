#include "gpu/device_policy.h"
#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <type_traits>

namespace megabed {
namespace {

using Answer = Result<reference::Answer>;
static_assert(std::is_trivially_copyable_v<PolicyCase>);
static_assert(std::is_trivially_copyable_v<reference::Answer> && std::is_trivially_copyable_v<Error>);

/// What a thread writes: tl::expected in a form that both sides lay out alike.
struct DeviceAnswer {
    reference::Answer answer{};
    Error error{};
    bool ok = false;
};

__global__ void recommend_all(const PolicyCase* cases, DeviceAnswer* answers, std::size_t count) {
    const std::size_t index = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (index >= count) {
        return;
    }
    const PolicyCase& question = cases[index];
    const Answer answer = reference::recommend(question.parameters, question.request, question.previous);
    if (answer) {
        answers[index].answer = *answer;
    } else {
        answers[index].error = answer.error();
    }
    answers[index].ok = answer.has_value();
}

Refusal failed(cudaError_t code) {
    return cuda_refusal({}, std::string("CUDA failed: ") + cudaGetErrorString(code), "");
}

template <class Value>
struct DeviceArray {
    explicit DeviceArray(std::size_t count) { status = cudaMalloc(&data, count * sizeof(Value)); }
    DeviceArray(const DeviceArray&) = delete;
    DeviceArray& operator=(const DeviceArray&) = delete;
    ~DeviceArray() { cudaFree(data); }
    Value* data = nullptr;
    cudaError_t status = cudaSuccess;
};

}  // namespace

Loaded<std::string> cuda_device_name() {
    int devices = 0;
    const cudaError_t code = cudaGetDeviceCount(&devices);
    if (code != cudaSuccess || devices == 0) {
        return cuda_refusal({},
                            std::string("no CUDA device: ") +
                                (code == cudaSuccess ? "none is present" : cudaGetErrorString(code)),
                            "a machine with an NVIDIA GPU and its driver");
    }
    cudaDeviceProp properties{};
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, 0); error != cudaSuccess) {
        return failed(error);
    }
    return std::string(properties.name);
}

Loaded<std::vector<Result<reference::Answer>>> recommend_on_device(std::span<const PolicyCase> cases) {
    if (const auto device = cuda_device_name(); !device) {
        return Refusal(device.error());
    }
    std::vector<Answer> result;
    if (cases.empty()) {
        return result;
    }
    const DeviceArray<PolicyCase> questions(cases.size());
    const DeviceArray<DeviceAnswer> answers(cases.size());
    for (const cudaError_t status :
         {questions.status, answers.status,
          cudaMemset(answers.data, 0,
                     cases.size() * sizeof(DeviceAnswer)),  // padding bytes are copied back too
          cudaMemcpy(questions.data, cases.data(), cases.size_bytes(), cudaMemcpyHostToDevice)}) {
        if (status != cudaSuccess) {
            return failed(status);
        }
    }
    constexpr unsigned kThreads = 128;
    const auto blocks = static_cast<unsigned>((cases.size() + kThreads - 1) / kThreads);
    recommend_all<<<blocks, kThreads>>>(questions.data, answers.data, cases.size());
    std::vector<DeviceAnswer> copied(cases.size());
    for (const cudaError_t status :
         {cudaGetLastError(), cudaMemcpy(copied.data(), answers.data, copied.size() * sizeof(DeviceAnswer),
                                         cudaMemcpyDeviceToHost)}) {
        if (status != cudaSuccess) {
            return failed(status);
        }
    }
    result.reserve(copied.size());
    for (const DeviceAnswer& answer : copied) {
        result.push_back(answer.ok ? Answer(answer.answer) : Answer(Failure(answer.error)));
    }
    return result;
}

}  // namespace megabed
