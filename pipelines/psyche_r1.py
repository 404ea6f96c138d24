r"""The DAG: from raw sources to a served model, as one Kubeflow pipeline built from a recipe.

    ingest -> cleaning -> questions -> control -> rationales -> selection -> sft -> grpo -> evaluation -> gate
                   \\-> dialogues -----------------------------/                                          |
                                            registry -> (promoted) deployment -> report <----------------/

The same function serves `psyche compile` (custom resources for a cluster) and `psyche run` (kfp.local, this machine).
"""

from typing import Any

from kfp import dsl

from components.cleaning.component import cleaning
from components.control.component import control
from components.deployment.component import deployment
from components.dialogues.component import dialogues
from components.evaluation.component import baselines, evaluation
from components.gate.component import gate
from components.grpo.component import grpo
from components.ingest.component import ingest
from components.questions.component import questions
from components.rationales.component import rationales
from components.registry.component import registry
from components.report.component import report
from components.selection.component import selection
from components.sft.component import sft
from pipelines.recipe import Recipe


def build_pipeline(recipe: Recipe) -> Any:
    """Returns the KFP pipeline of a recipe; every stage's settings are a pipeline parameter, so a run can change them."""

    @dsl.pipeline(name=f"psyche-{recipe.name}", description=recipe.description or "Psyche-R1 on Kubernetes")
    def psyche_r1(
        base_model: str = recipe.base_model,
        ingest_settings: dict = recipe.settings("ingest"),
        cleaning_settings: dict = recipe.settings("cleaning"),
        questions_settings: dict = recipe.settings("questions"),
        control_settings: dict = recipe.settings("control"),
        rationales_settings: dict = recipe.settings("rationales"),
        dialogues_settings: dict = recipe.settings("dialogues"),
        selection_settings: dict = recipe.settings("selection"),
        sft_settings: dict = recipe.settings("sft"),
        grpo_settings: dict = recipe.settings("grpo"),
        evaluation_settings: dict = recipe.settings("evaluation"),
        gate_settings: dict = recipe.settings("gate"),
        registry_settings: dict = recipe.settings("registry"),
        deployment_settings: dict = recipe.settings("deployment"),
        report_settings: dict = recipe.settings("report"),
    ) -> None:
        raw = ingest(settings=ingest_settings)
        clean = cleaning(
            settings=cleaning_settings,
            passages=raw.outputs["passages"],
            questions=raw.outputs["questions"],
            posts=raw.outputs["posts"],
            dialogues=raw.outputs["dialogues"],
        )
        asked = questions(settings=questions_settings, passages=clean.outputs["clean_passages"])
        checked = control(
            settings=control_settings,
            generated=asked.outputs["generated"],
            bank=clean.outputs["clean_questions"],
        )
        reasoned = rationales(settings=rationales_settings, questions=checked.outputs["controlled"])
        talks = dialogues(
            settings=dialogues_settings,
            posts=clean.outputs["clean_posts"],
            source_dialogues=clean.outputs["clean_dialogues"],
        )
        split = selection(settings=selection_settings, questions=reasoned.outputs["reasoned"])
        tuned = sft(
            settings=sft_settings,
            base_model=base_model,
            rest=split.outputs["rest"],
            dialogues=talks.outputs["dialogues"],
        )
        final = grpo(
            settings=grpo_settings,
            base_model=tuned.outputs["Output"],
            challenging=split.outputs["challenging"],
        )
        scores: dict[str, Any] = {}
        for name, uri in (("base", base_model), ("sft", tuned.outputs["Output"]), ("final", final.outputs["Output"])):
            pairwise = recipe.evaluation.judge and recipe.evaluation.judge.pairwise and scores
            beside = {"reference": scores["base"].outputs["results"]} if pairwise else {}
            scores[name] = evaluation(settings=evaluation_settings, model_name=name, model_uri=uri, **beside)
            scores[name].set_display_name(f"evaluation-{name}")
        verdict = gate(
            settings=gate_settings,
            base=scores["base"].outputs["results"],
            sft=scores["sft"].outputs["results"],
            final=scores["final"].outputs["results"],
        )
        version = registry(
            settings=registry_settings,
            base_model=base_model,
            model_uri=final.outputs["Output"],
            verdict=verdict.outputs["Output"],
            decision=verdict.outputs["decision"],
            results=scores["final"].outputs["results"],
            rest=split.outputs["rest"],
            dialogues=talks.outputs["dialogues"],
            challenging=split.outputs["challenging"],
        )
        everything = {
            "settings": report_settings,
            "passages": raw.outputs["passages"],
            "bank": raw.outputs["questions"],
            "posts": raw.outputs["posts"],
            "source_dialogues": raw.outputs["dialogues"],
            "clean_passages": clean.outputs["clean_passages"],
            "clean_questions": clean.outputs["clean_questions"],
            "clean_posts": clean.outputs["clean_posts"],
            "clean_dialogues": clean.outputs["clean_dialogues"],
            "generated": asked.outputs["generated"],
            "controlled": checked.outputs["controlled"],
            "reasoned": reasoned.outputs["reasoned"],
            "dialogues": talks.outputs["dialogues"],
            "challenging": split.outputs["challenging"],
            "rest": split.outputs["rest"],
            "base": scores["base"].outputs["results"],
            "sft": scores["sft"].outputs["results"],
            "final": scores["final"].outputs["results"],
            "decision": verdict.outputs["decision"],
            "champion": verdict.outputs["champion"],
        }
        if recipe.evaluation.baselines:
            everything["baselines"] = baselines(settings=evaluation_settings).outputs["results"]
        with dsl.If(verdict.outputs["Output"] == "promote", name="promoted"):
            served = deployment(settings=deployment_settings, model_version=version.outputs["Output"])
            served.set_caching_options(False)  # what is served is not an artifact: it must be checked every time
            report(**everything, deployment=served.outputs["Output"])
        with dsl.Else(name="kept-back"):
            report(**everything, deployment="")

    return psyche_r1
