// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_UV_SHIM_H
#define GANTRY_UV_SHIM_H

#include <uv.h>

#endif
