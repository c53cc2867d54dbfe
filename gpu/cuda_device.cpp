#include "gpu/device_policy.h"

#include <utility>

namespace megabed {

Refusal cuda_unavailable(std::string problem, std::string remedy) {
    return Refusal(InputError{.kind = InputErrorKind::Unavailable,
                              .where = "cuda",
                              .line = {},
                              .key = {},
                              .problem = std::move(problem),
                              .allowed = std::move(remedy)});
}

}  // namespace megabed
