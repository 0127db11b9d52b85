// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryRegistryAPI
import Testing

/// What web pages of other origins need, as far as `http.headers` says so.
struct OriginTests {
  private static let page = "https://ui.example.com"

  private func bench(_ origins: [String]) -> Bench {
    let settings = APISettings(
      headers: [
        APISettings.Header(name: "Access-Control-Allow-Origin", values: origins),
        APISettings.Header(name: "Access-Control-Allow-Methods", values: ["HEAD", "GET", "OPTIONS", "DELETE"]),
        APISettings.Header(name: "Access-Control-Allow-Headers", values: ["Authorization", "Accept"]),
        APISettings.Header(name: "Access-Control-Expose-Headers", values: ["Docker-Content-Digest"]),
      ], secret: Bench.secret)
    return Bench(settings: settings) { world in
      AccessControl(world: world, method: .silly(realm: "R", service: "S"), secret: Bench.secret) { _ in }
    }
  }

  private static let preflight: KeyValuePairs = [
    "Origin": page, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization",
  ]

  @Test(
    "A preflight is answered without a login, with what is configured",
    arguments: ["/v2/", "/v2/_catalog", "/v2/a/b/tags/list", "/v2/a/manifests/latest", "/v2/a/blobs/uploads/"])
  func preflight(_ target: String) {
    let reply = bench([Self.page]).send("OPTIONS", target, Self.preflight)
    #expect(reply.status == 200 && reply.body.isEmpty && reply["WWW-Authenticate"] == nil)
    #expect(reply["Access-Control-Allow-Origin"] == Self.page)
    #expect(reply.all("Access-Control-Allow-Methods") == ["HEAD", "GET", "OPTIONS", "DELETE"])
    #expect(reply.all("Access-Control-Allow-Headers") == ["Authorization", "Accept"])
    #expect(reply["Allow"]?.contains("OPTIONS") == true)
  }

  @Test("What is not OPTIONS still needs a login, and says so in a way that the page can read") func login() {
    let bench = bench([Self.page])
    let refused = bench.send("GET", "/v2/", ["Origin": Self.page])
    #expect(refused.status == 401 && refused["Access-Control-Allow-Origin"] == Self.page)
    bench.authorization = "x"
    #expect(bench.send("GET", "/v2/a/tags/list", ["Origin": Self.page])["Access-Control-Allow-Origin"] == Self.page)
  }

  @Test("Of several origins the one that asks is named, and no other") func several() {
    let bench = bench([Self.page, "http://localhost:8080"])
    for origin in [Self.page, "http://localhost:8080"] {
      for (method, status) in [("OPTIONS", 200), ("GET", 401)] {
        let reply = bench.send(method, "/v2/", ["Origin": origin])
        #expect(reply.status == status && reply.all("Access-Control-Allow-Origin") == [origin])
        #expect(reply["Vary"] == "Origin")
      }
    }
    for fields in [["Origin": "https://evil.example"], [:]] as [KeyValuePairs<String, String>] {
      let reply = bench.send("OPTIONS", "/v2/", fields)
      #expect(reply.status == 200 && reply["Access-Control-Allow-Origin"] == nil && reply["Vary"] == "Origin")
    }
  }

  @Test("A star is sent as it is") func star() {
    let reply = bench(["*"]).send("OPTIONS", "/v2/", ["Origin": Self.page])
    #expect(reply["Access-Control-Allow-Origin"] == "*" && reply["Vary"] == nil)
  }
}
