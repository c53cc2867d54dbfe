#pragma once

// What kernels use of it, NVRTC has built in.
