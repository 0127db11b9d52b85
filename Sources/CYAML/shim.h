// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_YAML_SHIM_H
#define GANTRY_YAML_SHIM_H

#include <yaml.h>

#endif
