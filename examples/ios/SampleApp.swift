// The screen.

import SwiftUI
import Twoshare

@main
struct SampleApp: App {
    @StateObject private var shown = Shown()

    var body: some Scene {
        WindowGroup { WalletScreen(shown: shown).task { await shown.open() } }
    }
}

/// Has the screen drawn when the model changes.
@MainActor
final class Shown: ObservableObject {
    @Published var screen = WalletModel.Screen()
    private(set) var model: WalletModel?

    func open() async {
        do {
            let model = WalletModel(client: try await openClient())
            model.changed = { [weak self] in self?.screen = $0 }
            self.model = model
            await model.start()
        } catch {
            screen.problem = error.localizedDescription
        }
    }
}

struct WalletScreen: View {
    @ObservedObject var shown: Shown
    @State private var password = ""

    var body: some View {
        Form {
            Section("Wallet") {
                Text(shown.screen.backup)
                if let code = shown.screen.checkCode { Text(code).font(.body.monospaced()) }
                if let problem = shown.screen.problem { Text(problem).foregroundStyle(.red) }
            }
            Section {
                SecureField("Password", text: $password)
                if shown.screen.canRecover {
                    button("Recover") { await $0.recover(password: $1) }
                } else {
                    button("Back up") { await $0.backUp(password: $1) }
                    button("Drill") { await $0.drill(password: $1) }
                }
            }
            if let bar = shown.screen.bar {
                ProgressView(value: bar)
                Button("Cancel", role: .cancel) { shown.model?.cancel() }
            }
        }
    }

    private func button(_ title: String, _ act: @escaping (WalletModel, String) async -> Void) -> some View {
        Button(title) {
            guard let model = shown.model else { return }
            let entered = password
            password = ""
            Task { await act(model, entered) }
        }
        .disabled(password.isEmpty || shown.screen.bar != nil)
    }
}
