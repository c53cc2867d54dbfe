#include "gpu/memory/cuda_check.h"

#include <utility>

namespace megabed {

Refusal cuda_refusal(std::string_view key, std::string problem, std::string allowed) {
    return Refusal(InputError{.kind = InputErrorKind::Unavailable,
                              .where = "cuda",
                              .line = {},
                              .key = std::string(key),
                              .problem = std::move(problem),
                              .allowed = std::move(allowed)});
}

}  // namespace megabed
