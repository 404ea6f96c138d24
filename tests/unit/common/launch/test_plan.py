"""Estimates: parameters are exact, memory follows the published arithmetic, and what does not fit is told how to."""

from dataclasses import replace

import pytest

from components.common.errors import UserError
from components.common.launch.memory import GB, Load, activations, memory, total
from components.common.launch.plan import Work, make_plan, require_fit, smallest_change
from components.common.launch.settings import LaunchSettings
from components.common.launch.shape import read_config, shape_of
from components.grpo.plan import plan_grpo
from components.grpo.settings import GRPOSettings, RolloutSettings
from components.sft.plan import plan_sft
from components.sft.settings import SFTSettings

QWEN = "hf://Qwen/Qwen2.5-7B-Instruct"
SEVEN_B = shape_of(read_config(QWEN))
LOAD = Load("full", "bf16", 16, True, "zero2", 8, micro_tokens=8192)


@pytest.mark.parametrize(
    ("name", "parameters"),  # as the model cards or the safetensors headers state them
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", 494_032_768),
        ("Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
        ("Qwen/Qwen2.5-14B-Instruct", 14_770_033_664),
        ("Qwen/Qwen2.5-72B-Instruct", 72_706_203_648),
        ("meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", 134_515_008),
    ],
)
def test_parameters_are_exact(name, parameters):
    assert shape_of(read_config(name)).parameters == parameters


def test_parameters_and_adapters_equal_those_of_the_loaded_model(tmp_path):
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM

    from tests.tiny_model import make_tiny_model

    model = AutoModelForCausalLM.from_pretrained(make_tiny_model(tmp_path, ["some text"]))
    shape = shape_of(read_config(str(tmp_path)))
    assert shape.parameters == model.num_parameters()
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert shape.lora_parameters(8) == adapted.get_nb_trainable_parameters()[0]


@pytest.mark.parametrize(
    ("mode", "bytes_per_parameter"),
    [("zero1", 2 + 2 + 12 / 8), ("zero2", 2 + 2 / 8 + 12 / 8)],  # Rajbhandari et al., section 5
)
def test_states_follow_the_zero_paper(mode, bytes_per_parameter):
    parts = memory(SEVEN_B, replace(LOAD, deepspeed=mode))
    states = parts["weights"] + parts["gradients"] + parts["optimiser"]
    assert states == pytest.approx(SEVEN_B.parameters * bytes_per_parameter)


def test_zero3_holds_a_shard_and_the_layers_at_work():
    parts = memory(SEVEN_B, replace(LOAD, deepspeed="zero3"))
    states = parts["weights"] + parts["gradients"] + parts["optimiser"]
    assert states == pytest.approx(SEVEN_B.parameters * 16 / 8 + 4 * SEVEN_B.layer_parameters)


@pytest.mark.parametrize("pair", [("none", "zero1"), ("zero1", "zero2"), ("zero2", "zero3"), ("zero3", "zero3_offload")])
def test_each_stage_takes_less_than_the_one_before(pair):
    more, less = (total(memory(SEVEN_B, replace(LOAD, deepspeed=mode))) for mode in pair)
    assert less < more


def test_offloading_moves_bytes_to_the_machine():
    kept, moved = (memory(SEVEN_B, replace(LOAD, deepspeed=m)) for m in ("zero2", "zero2_offload"))
    assert moved["optimiser"] == 0
    assert moved["cpu"] == kept["optimiser"]


def test_checkpointing_and_adapters_save_memory():
    assert activations(SEVEN_B, 8192, True) < activations(SEVEN_B, 8192, False) / 5
    sizes = [total(memory(SEVEN_B, replace(LOAD, method=m, deepspeed="none", world_size=1))) for m in ("full", "lora", "qlora")]
    assert sizes == sorted(sizes, reverse=True)


def test_paper_recipe_fits_on_eight_gpus_of_80_gb():
    launch = LaunchSettings(processes_per_node=8, deepspeed="zero2")
    sft = plan_sft(SFTSettings(launch=launch), QWEN, samples=148_000)
    assert sft.fits
    assert sft.steps == 1156
    assert 30 < sft.gpu_gb < 76
    assert plan_grpo(GRPOSettings(launch=launch, rollout=RolloutSettings(engine="vllm_colocate")), QWEN).fits


@pytest.mark.parametrize(
    ("load", "fix"),
    [
        (replace(LOAD, gradient_checkpointing=False), "set tuning.gradient_checkpointing to true"),
        (replace(LOAD, micro_tokens=200_000), "divide per_device_batch_size by 4"),
        (replace(LOAD, reference=True, vllm_share=0.5), "set rollout.vllm_memory to 0.25"),
        (replace(LOAD, deepspeed="none"), "set launch.deepspeed to zero1"),
        (replace(LOAD, deepspeed="none", world_size=1), "set launch.deepspeed to zero2_offload"),
        (replace(LOAD, deepspeed="none", world_size=1, gpu_memory_gb=24, micro_tokens=4096), "set tuning.method to lora"),
        (replace(LOAD, deepspeed="none", world_size=1, gpu_memory_gb=12, micro_tokens=4096), "set tuning.method to qlora"),
        (replace(LOAD, deepspeed="none", world_size=1, gpu_memory_gb=1), "use GPUs with more memory or a smaller model"),
    ],
)
def test_smallest_change_that_makes_it_fit(load, fix):
    plan = make_plan(SEVEN_B, load, Work(1000, 10), 312)
    assert not plan.fits
    assert plan.fix == fix


def test_named_changes_together_do_make_it_fit():
    load = replace(LOAD, gradient_checkpointing=False, deepspeed="none", gpu_memory_gb=40, micro_tokens=64_000)
    fix = smallest_change(SEVEN_B, load)
    assert fix == "set tuning.gradient_checkpointing to true and divide per_device_batch_size by 16 and set launch.deepspeed to zero2"
    changed = replace(load, gradient_checkpointing=True, micro_tokens=4000, deepspeed="zero2")
    assert total(memory(SEVEN_B, changed)) < 0.95 * 40 * GB


def test_what_does_not_fit_is_refused_with_numbers():
    plan = make_plan(SEVEN_B, replace(LOAD, deepspeed="none"), Work(1000, 10), 312)
    with pytest.raises(UserError, match=r"sft needs about \d+ GB per GPU of 80 GB: set launch\.deepspeed to zero1\."):
        require_fit(lambda: plan, "sft", 80)


def test_unknown_family_is_told():
    with pytest.raises(UserError, match="mamba"):
        shape_of({"model_type": "mamba"})


def test_a_model_that_cannot_be_estimated_is_trained_all_the_same(caplog):
    require_fit(lambda: make_plan(shape_of({"model_type": "mamba"}), LOAD, Work(1, 1), 312), "sft", 80)
    assert "memory is not checked" in caplog.text


def test_the_share_of_vllm_must_hold_its_copy_of_the_weights():
    load = replace(LOAD, method="lora", deepspeed="none", world_size=1, gpu_memory_gb=48, micro_tokens=1024, vllm_share=0.3)
    assert total(memory(SEVEN_B, load)) < load.gpu_memory_gb * GB
    assert smallest_change(SEVEN_B, load) == "set rollout.vllm_memory to 0.4"
    plan = make_plan(SEVEN_B, load, Work(tokens_per_step=1024, steps=None), 312.0)
    assert (plan.fits, plan.fix) == (False, "set rollout.vllm_memory to 0.4")
