// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

// An embedder writes `import Gantry` and has the settings too: they are what a registry is made of.
@_exported public import GantryConfiguration
