"""Actor-critic in JAX on gymnax's CartPole, ten seeds at once by vmap: the same networks, windows and optimiser."""

import time
from functools import partial

import gymnax
import jax
import jax.numpy as jnp
import optax
from worker import serve

SEEDS, ENVS, STEPS, UPDATES = 10, 8, 16, 100
DISCOUNT, TRACE = 0.99, 1.0
ENV, PARAMETERS = gymnax.make("CartPole-v1")
OPTIMISER = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(7e-4))


def layers(key, sizes, last):
    keys = jax.random.split(key, len(sizes) - 1)
    gains = [5 / 3] * (len(sizes) - 2) + [last]
    shapes = zip(keys, gains, sizes[:-1], sizes[1:], strict=True)
    return [(jax.nn.initializers.orthogonal(gain)(k, (i, o)), jnp.zeros(o)) for k, gain, i, o in shapes]


def forward(network, x):
    for weight, bias in network[:-1]:
        x = jnp.tanh(x @ weight + bias)
    return x @ network[-1][0] + network[-1][1]


def begin(key):
    first, second, third, last = jax.random.split(key, 4)
    networks = {"policy": layers(first, (4, 64, 64, 2), 0.01), "critic": layers(second, (4, 64, 64, 1), 1.0)}
    seen, state = jax.vmap(ENV.reset, (0, None))(jax.random.split(third, ENVS), PARAMETERS)
    return networks, OPTIMISER.init(networks), seen, state, last


def step(networks, carry, key):
    seen, state = carry
    first, second = jax.random.split(key)
    action = jax.random.categorical(first, forward(networks["policy"], seen))
    after, state, reward, *ends, _ = jax.vmap(ENV.step, (0, 0, 0, None))(
        jax.random.split(second, ENVS), state, action, PARAMETERS
    )
    done = sum(ends) > 0  # older versions give one flag, newer ones two
    return (after, state), (seen, action, reward, done)


def loss(networks, seen, action, advantage, target):
    log_prob = jax.nn.log_softmax(forward(networks["policy"], seen))
    chosen = jnp.take_along_axis(log_prob, action[..., None], -1)[..., 0]
    error = forward(networks["critic"], seen)[..., 0] - target
    return -(chosen * advantage).mean() + 0.25 * jnp.square(error).mean()


def update(run, _):
    networks, memory, seen, state, key = run
    key, *keys = jax.random.split(key, STEPS + 1)
    (last, state), (seen, action, reward, done) = jax.lax.scan(partial(step, networks), (seen, state), jnp.stack(keys))
    value = forward(networks["critic"], seen)[..., 0]
    following = jnp.concatenate([value[1:], forward(networks["critic"], last)[None, :, 0]])
    delta = reward + DISCOUNT * following * (1 - done) - value
    _, advantage = jax.lax.scan(
        lambda carry, x: (x[0] + DISCOUNT * TRACE * (1 - x[1]) * carry,) * 2,
        jnp.zeros(ENVS),
        (delta, done),
        reverse=True,
    )
    gradient = jax.grad(loss)(networks, seen, action, advantage, advantage + value)
    change, memory = OPTIMISER.update(gradient, memory, networks)
    return (optax.apply_updates(networks, change), memory, last, state, key), None


train = jax.jit(jax.vmap(lambda run: jax.lax.scan(update, run, None, UPDATES)[0]))


def row():
    runs = jax.vmap(begin)(jax.random.split(jax.random.key(0), SEEDS))
    jax.block_until_ready(runs)
    start = time.perf_counter()
    jax.block_until_ready(train(runs))
    return SEEDS * ENVS * STEPS * UPDATES / (time.perf_counter() - start)


if __name__ == "__main__":
    serve({"actor-critic": row})
