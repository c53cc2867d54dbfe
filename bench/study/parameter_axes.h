#pragma once

#include "bench/study/study.h"
#include "bench/toml_fields.h"

#include <string>
#include <vector>

namespace megabed {

/// All combinations of the values of a study's [[parameter]] tables, the last table's running fastest; one
/// without settings where there are none. What is wrong goes to `errors`.
[[nodiscard]] std::vector<StudyVariant> read_parameter_axes(const TomlFields& study, const std::string& path,
                                                            FirstError& errors);

}  // namespace megabed
