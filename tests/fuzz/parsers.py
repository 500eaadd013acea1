"""The properties of each parser, wherever its tests are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests import (
    test_cookies,
    test_crawl,
    test_filenames,
    test_forms,
    test_headers,
    test_locales,
    test_manifest,
    test_matching,
    test_negotiation,
    test_origin,
    test_proxies,
    test_redirects,
    test_requests,
    test_responses,
    test_routing,
    test_urls,
)
from tests.fuzz import test_conditions, test_damage, test_paths
from tests.fuzz import test_requests as whole

__all__ = ["PARSERS"]

PARSERS: Mapping[str, Sequence[Callable[..., Any]]] = {
    "whole requests": [whole.test_any_request_is_answered_once],
    "paths": [
        test_paths.test_a_path_is_cut_between_segments,
        test_paths.test_what_lies_below_root_and_base_is_found_there,
        test_routing.test_a_path_without_fault_stays_inside_its_folder,
        test_routing.test_decoding_a_url_once_gives_the_path_back,
        test_routing.test_any_params_make_a_safe_path_that_gives_them_back_or_are_refused,
        test_urls.test_any_bytes_of_a_target_stay_on_this_site,
    ],
    "matching": [
        test_routing.test_starlette_matches_the_same_paths_with_the_same_params,
        test_matching.test_every_pattern_that_matches_is_a_candidate,
        test_matching.test_so_it_is_for_pages,
    ],
    "cookies": [
        test_cookies.test_any_header_is_read_and_has_says_what_get_gives,
        test_cookies.test_any_bytes_of_a_header_are_read,
        test_cookies.test_plain_pairs_are_read_as_werkzeug_reads_them,
        test_cookies.test_any_text_comes_back_from_the_browser,
        test_cookies.test_a_set_cookie_value_says_what_was_asked_for_and_nothing_else,
    ],
    "ranges": [
        test_negotiation.test_one_range_is_read_as_werkzeug_reads_it,
        test_negotiation.test_any_range_lies_inside_the_body,
    ],
    "Accept-Encoding": [
        test_negotiation.test_the_highest_weight_wins_then_the_smallest_form,
        test_negotiation.test_any_accept_encoding_chooses_something_stored,
    ],
    "Accept-Language": [test_locales.test_any_header_is_read],
    "conditions": [
        test_conditions.test_any_conditions_are_answered_as_werkzeug_answers_them,
        test_conditions.test_any_bytes_of_conditions_are_an_answer_that_adds_up,
        test_negotiation.test_a_list_of_etags_is_compared_weakly,
        test_negotiation.test_a_list_with_mistakes_finds_nothing_that_werkzeug_does_not,
        test_negotiation.test_any_date_is_answered_as_werkzeug_answers_it,
    ],
    "forms": [
        test_forms.test_any_bytes_are_an_urlencoded_form,
        test_forms.test_what_a_browser_encodes_comes_back,
        test_forms.test_any_body_is_a_form_or_an_error,
        test_forms.test_any_files_and_fields_come_back_however_they_are_cut,
        test_forms.test_any_content_type_is_a_form_or_an_error,
        test_forms.test_any_name_of_a_file_is_one_or_an_error,
    ],
    "JSON and queries": [
        test_requests.test_any_body_is_json_or_an_error,
        test_headers.test_any_query_of_text_is_read_as_starlette_reads_it,
        test_headers.test_any_bytes_are_a_query,
    ],
    "forwarded headers": [
        test_paths.test_who_asks_is_the_peer_or_an_address_that_a_trusted_proxy_named,
        test_proxies.test_any_bytes_are_a_host_that_can_stand_in_a_url_or_none,
        test_proxies.test_any_host_gives_an_origin,
        test_proxies.test_any_bytes_are_an_address_or_none,
    ],
    "origin check": [test_origin.test_any_headers_pass_or_are_refused_in_plain_words],
    "redirects": [
        test_redirects.test_no_path_at_all_leads_off_the_site,
        test_redirects.test_any_destination_is_one_or_a_config_error,
        test_responses.test_any_target_is_refused_or_one_clean_line_that_is_not_encoded_again,
        test_responses.test_any_header_is_refused_or_sent_as_one_line,
    ],
    "manifest": [
        test_damage.test_a_line_with_anything_in_it_is_refused_or_can_be_used,
        test_damage.test_any_line_is_refused,
        test_damage.test_a_damaged_manifest_is_refused_or_can_be_used,
        test_damage.test_any_pointer_names_a_generation_or_is_refused,
        test_manifest.test_a_snapshot_survives_its_line,
        test_manifest.test_any_bytes_are_whole_or_refused,
    ],
    "links of HTML and CSS": [
        test_crawl.test_any_page,
        test_crawl.test_any_page_tag_by_tag,
        test_crawl.test_any_charset,
        test_crawl.test_any_style_sheet,
        test_crawl.test_any_reference,
        test_crawl.test_three_parsers_agree,
    ],
    "names of page files": [
        test_filenames.test_any_name_is_a_pattern_or_refused,
        test_filenames.test_what_is_filled_in_comes_out_again,
    ],
}
