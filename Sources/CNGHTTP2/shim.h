// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_NGHTTP2_SHIM_H
#define GANTRY_NGHTTP2_SHIM_H

#include <nghttp2/nghttp2.h>

#endif
