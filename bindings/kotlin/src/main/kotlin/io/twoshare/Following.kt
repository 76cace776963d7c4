package io.twoshare

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.channelFlow

/** What a call that is [followed][following] says: how far it has got, and at the end what it has given. */
public sealed interface Following<out T> {
    /** It has got this far. */
    public data class Step(public val progressed: Progressed) : Following<Nothing>

    /** It has returned. Nothing comes after this. */
    public data class Done<T>(public val value: T) : Following<T>
}

/**
 * The steps of a call, and what it gives:
 *
 * ```
 * client.following { backup(wallet, listOf(method)) }.collect { … }
 * ```
 *
 * The call begins when the flow is collected, and once for each collector. Its error is the flow's. Whoever stops
 * collecting, or is cancelled, cancels the call: the last backup is as it was, and [Client.resume] finishes or
 * gives up what had begun.
 */
public fun <T> Client.following(call: suspend Client.() -> T): Flow<Following<T>> =
    channelFlow {
        val steps = channel
        val listener =
            object : ProgressListener {
                override fun step(at: Progressed) {
                    steps.trySend(Following.Step(at))
                }
            }
        withProgress(listener).use { client -> send(Following.Done(client.call())) }
    }
        // A call has some dozens of steps, and never waits for whoever shows them.
        .buffer(Channel.UNLIMITED)
